"""What ``deploy/compose.yaml`` is made of, beside the images."""
