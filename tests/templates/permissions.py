"""Which IAM action each call needs, and which actions are needed although nobody calls them by name.

The names differ: batches need the permission of the single call, and a version of an object one of its own. Source:
"Actions, resources, and condition keys" of each service in the Service Authorization Reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from templates.recorder import Call

ACTION_OF: Mapping[str, tuple[str, ...]] = {
    "dynamodb:BatchWriteItem": ("dynamodb:BatchWriteItem",),
    "dynamodb:DeleteItem": ("dynamodb:DeleteItem",),
    "dynamodb:PutItem": ("dynamodb:PutItem",),
    "dynamodb:Query": ("dynamodb:Query",),
    "dynamodb:TransactWriteItems": ("dynamodb:ConditionCheckItem", "dynamodb:PutItem"),
    "s3:GetObject": ("s3:GetObject",),
    "s3:GetObject of a version": ("s3:GetObjectVersion",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "sns:PublishBatch": ("sns:Publish",),
    "sqs:ChangeMessageVisibilityBatch": ("sqs:ChangeMessageVisibility",),
    "sqs:DeleteMessageBatch": ("sqs:DeleteMessage",),
    "sqs:GetQueueAttributes": ("sqs:GetQueueAttributes",),
    "sqs:GetQueueUrl": ("sqs:GetQueueUrl",),
    "sqs:ReceiveMessage": ("sqs:ReceiveMessage",),
    "sqs:SendMessageBatch": ("sqs:SendMessage",),
    "sts:AssumeRole": ("sts:AssumeRole",),
    "sts:GetCallerIdentity": (),  # whoever has credentials may ask who they are
}
"""What is called, and under which actions; every call that the tests record stands here, and no other."""


class Permission(NamedTuple):
    """An action, on the logical name of a resource of the template or on the ARN of what is not in it."""

    action: str
    resource: str


THROUGH_QUEUE = "SQS decrypts a message of an encrypted queue in the name of who receives it"
INTO_QUEUE_OR_TOPIC = "SQS and SNS encrypt a message with a data key in the name of who sends it, and verify that key"
BY_THE_COLLECTOR = "the collector beside the worker writes its series in the task's name"
BY_THE_AGENT = "the ECS agent asks for scale-in protection in the task's name, when the worker tells it to"
BY_THE_POLLER = "Lambda polls the queue, and deletes what was done, in the function's name"
BY_THE_RUNTIME = "the Lambda service writes what the function prints into its log group in the function's name"
ON_FAILURE = "Lambda sends the event that failed for good to the dead-letter queue in the function's name"

WORKER_INDIRECT: Mapping[Permission, str] = {
    Permission("ecs:UpdateTaskProtection", "Cluster"): BY_THE_AGENT,
    Permission("kms:Decrypt", "Key"): THROUGH_QUEUE,
    Permission("kms:GenerateDataKey", "Key"): INTO_QUEUE_OR_TOPIC,
}
ALERT_QUEUE_INDIRECT: Mapping[Permission, str] = {
    Permission("kms:Decrypt", "AlertQueueKey"): INTO_QUEUE_OR_TOPIC,
    Permission("kms:GenerateDataKey", "AlertQueueKey"): INTO_QUEUE_OR_TOPIC,
}
"""Where a queue of the user's gets the alerts too."""
COLLECTOR_INDIRECT: Mapping[Permission, str] = {Permission("aps:RemoteWrite", "Workspace"): BY_THE_COLLECTOR}
_FUNCTION_INDIRECT: Mapping[Permission, str] = {
    Permission("kms:Decrypt", "Key"): THROUGH_QUEUE,
    Permission("kms:GenerateDataKey", "Key"): INTO_QUEUE_OR_TOPIC,
    Permission("logs:CreateLogStream", "LogGroup"): BY_THE_RUNTIME,
    Permission("logs:PutLogEvents", "LogGroup"): BY_THE_RUNTIME,
}
FUNCTION_BEHIND_A_QUEUE_INDIRECT: Mapping[Permission, str] = {
    **_FUNCTION_INDIRECT,
    Permission("sqs:DeleteMessage", "Queue"): BY_THE_POLLER,
    Permission("sqs:GetQueueAttributes", "Queue"): BY_THE_POLLER,
    Permission("sqs:ReceiveMessage", "Queue"): BY_THE_POLLER,
}
FUNCTION_OF_A_BUCKET_INDIRECT: Mapping[Permission, str] = {
    **_FUNCTION_INDIRECT,
    Permission("sqs:SendMessage", "DeadLetterQueue"): ON_FAILURE,
}
DEAD_LETTERS_INDIRECT: Mapping[Permission, str] = {
    Permission("kms:Decrypt", "Key"): THROUGH_QUEUE,
    Permission("kms:GenerateDataKey", "Key"): INTO_QUEUE_OR_TOPIC,
}


def needed(calls: Iterable[Call], names: Mapping[str, str]) -> set[Permission]:
    """Return what these calls need. ``names`` gives the logical name of each ARN; another ARN stands as it is."""
    return {
        Permission(action, names.get(call.resource, call.resource))
        for call in calls
        for action in ACTION_OF[call.operation]
    }


def granted(statements: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> set[Permission]:
    """Return what the statements of a policy allow; of a resource with something below it, the part before that."""
    return {
        Permission(action, names.get(resource, resource))
        for statement in statements
        for action in _listed(statement["Action"])
        for resource in map(_without_path, _listed(statement["Resource"]))
    }


def _listed(value: str | list[str]) -> Iterator[str]:
    yield from [value] if isinstance(value, str) else value


def _without_path(arn: str) -> str:
    return arn.removesuffix(":*").removesuffix("/*").removesuffix("/*AWSLogs")
