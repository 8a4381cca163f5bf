"""Lambda's side of the deployment: how its package is made."""  # noqa: N999 -- named as the service is
