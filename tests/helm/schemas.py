"""Is an object what its kind's schema says? Kubernetes' own kinds and those of the operators."""

import dataclasses
import functools
import pathlib

import jsonschema
import kubernetes_validate
import yaml
from kubernetes_validate import utils

# Read again for every object otherwise.
utils.schema_contents = functools.lru_cache(maxsize=None)(utils.schema_contents)

# Kinds without a schema that could be had: what must be there at least.
EXPECTED = {
    "Kafka": [("spec", "kafka", "listeners"), ("spec", "entityOperator", "userOperator")],
    "KafkaNodePool": [("spec", "replicas"), ("spec", "roles"), ("spec", "storage", "type")],
    "KafkaUser": [("spec", "authentication", "type"), ("spec", "authorization", "acls")],
    "KafkaTopic": [("spec", "partitions"), ("spec", "replicas"), ("spec", "config", "retention.ms")],
}


@dataclasses.dataclass
class Outcome:
    by: str
    fault: str | None = None


@functools.lru_cache(maxsize=None)
def crd(folder, api_version, kind):
    """The operator's schema of a kind, made strict; None if there is none."""
    group, _, version = api_version.partition("/")
    for file in pathlib.Path(folder).glob(f"{group}_*.yaml"):
        found = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["spec"]
        if found["names"]["kind"] == kind:
            schema = next(v for v in found["versions"] if v["name"] == version)["schema"]["openAPIV3Schema"]
            schema["properties"]["metadata"] = {"type": "object"}
            return strict(schema)
    return None


def strict(schema):
    """Kubernetes drops unknown fields silently; here they are faults."""
    for inner in schema.get("properties", {}).values():
        strict(inner)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            strict(schema[key])
    if schema.get("x-kubernetes-int-or-string"):
        schema.pop("type", None)
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema.setdefault("additionalProperties", False)
    return schema


def validate(o, version, crds):
    api_version, kind = o["apiVersion"], o["kind"]
    try:
        if api_version.startswith("kafka.strimzi.io/"):
            absent = [".".join(path) for path in EXPECTED[kind] if get(o, path) is None]
            return Outcome("expectations of our own", absent and f"lacks {', '.join(absent)}")
        schema = crd(crds, api_version, kind)
        if schema:
            jsonschema.Draft202012Validator(schema).validate(o)
            return Outcome("the operator's schema")
        kubernetes_validate.validate(o, version, strict=True)
        return Outcome("Kubernetes' schema")
    except jsonschema.ValidationError as e:
        return Outcome("schema", f"{'.'.join(map(str, e.absolute_path))}: {e.message[:500]}")
    except utils.SchemaNotFoundError as e:
        return Outcome("schema", e.message)


def get(o, path):
    for key in path:
        o = (o or {}).get(key)
    return o
