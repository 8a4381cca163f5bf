"""CloudFormation templates read, and stacks of them created on the local endpoint."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from aiobotocore.session import get_session

from endpoint import REGION, ROOT, Endpoint

ECS = ROOT / "deploy" / "ecs" / "trailstream.yaml"
LAMBDA_FROM_QUEUE = ROOT / "deploy" / "lambda" / "from-queue.yaml"
LAMBDA_FROM_BUCKET = ROOT / "deploy" / "lambda" / "from-bucket.yaml"
TRAIL = ROOT / "deploy" / "trails" / "trail.yaml"

READER_ROLE = ROOT / "deploy" / "trails" / "reader-role.yaml"

TEMPLATES = (ECS, LAMBDA_FROM_QUEUE, LAMBDA_FROM_BUCKET, TRAIL, READER_ROLE)

ACCOUNT = "000000000000"
"""The endpoint's own."""

UNKNOWN_TO_THE_ENDPOINT = frozenset(
    {
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::CloudTrail::Trail",
    }
)
"""Left out when a stack is created, with what refers to them; cfn-lint looks at them."""

CREATION_SECONDS = 30


class StackRefusedError(Exception):
    """The endpoint did not take the template with these parameters, or could not make what is in it."""


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: ``!Sub x`` is ``{"Fn::Sub": x}``."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


def read_template(path: Path) -> dict[str, Any]:
    """Return a template with its functions in their long forms."""
    template: dict[str, Any] = yaml.load(path.read_text(), _Loader)
    return template


def as_far_as_known(template: dict[str, Any]) -> dict[str, Any]:
    """Return the template without what the endpoint does not know, and without the resources that refer to that."""
    resources = template["Resources"]
    gone = {name for name, each in resources.items() if each["Type"] in UNKNOWN_TO_THE_ENDPOINT}
    while more := {name for name, each in resources.items() if name not in gone and _refers_to(gone, each)}:
        gone |= more
    return template | {"Resources": {name: each for name, each in resources.items() if name not in gone}}


def _refers_to(names: set[str], value: Any) -> bool:
    if isinstance(value, dict):
        target = value.get("Ref") or next(iter(value.get("Fn::GetAtt", [])), None)
        return target in names or any(_refers_to(names, each) for each in value.values())
    return isinstance(value, list) and any(_refers_to(names, each) for each in value)


@dataclass(frozen=True, slots=True)
class CreatedStack:
    """What a stack made."""

    name: str
    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    """Logical -> physical id."""


async def create_stack(
    endpoint: Endpoint, name: str, path: Path, parameters: Mapping[str, str], **credentials: str
) -> CreatedStack:
    """Create the stack and wait for it. Raises :class:`StackRefusedError`."""
    body = json.dumps(as_far_as_known(read_template(path)))
    async with client(endpoint, "cloudformation", **credentials) as cloudformation:
        try:
            await cloudformation.create_stack(
                StackName=name,
                TemplateBody=body,
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            )
        except cloudformation.exceptions.ClientError as error:
            raise StackRefusedError(error.response["Error"]["Message"]) from error
        async with asyncio.timeout(CREATION_SECONDS):
            stack = await _finished(cloudformation, name)
        if stack["StackStatus"] != "CREATE_COMPLETE":
            events = (await cloudformation.describe_stack_events(StackName=name))["StackEvents"]
            reasons = {f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}" for each in events}
            raise StackRefusedError("; ".join(sorted(reasons)))
        resources = (await cloudformation.describe_stack_resources(StackName=name))["StackResources"]
    return CreatedStack(
        name,
        {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])},
        {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources},
    )


async def _finished(cloudformation: Any, name: str) -> Any:
    while True:
        (stack,) = (await cloudformation.describe_stacks(StackName=name))["Stacks"]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        await asyncio.sleep(0.05)


@asynccontextmanager
async def client(endpoint: Endpoint, service: str, **credentials: str) -> AsyncIterator[Any]:
    """A client of any service, as the account itself or with somebody's credentials."""
    async with get_session().create_client(  # type: ignore[call-overload]  # the service's name is the caller's
        service, region_name=REGION, endpoint_url=endpoint.url, **credentials
    ) as made:
        yield made
