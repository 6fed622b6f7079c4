"""Holds answers of the center against center/openapi.json, as the center serves it."""
import json
import os
import re

import jsonschema

DEFAULT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../center/openapi.json")


class Contract:
    def __init__(self, path=DEFAULT):
        with open(path, encoding="utf-8") as file:
            self.document = json.load(file)
        self.resolver = jsonschema.RefResolver.from_schema(self.document)
        self.paths = [(re.compile("^" + re.sub(r"\{\w+\}", "[^/]+", template) + "$"), item)
                      for template, item in self.document["paths"].items()]
        self.seen = set()

    def resolve(self, value):
        return self.resolver.resolve(value["$ref"])[1] if "$ref" in value else value

    def operation(self, method, path):
        for pattern, item in self.paths:
            if pattern.match(path.split("?")[0]):
                return item.get("get" if method == "HEAD" else method.lower())
        return None

    def validate(self, schema, value):
        validator = jsonschema.Draft202012Validator(schema, resolver=self.resolver)
        errors = [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}"
                  for e in validator.iter_errors(value)]
        if errors:
            raise AssertionError("against the contract: " + "; ".join(errors[:5]))

    def check(self, method, path, body, answer):
        """Raises AssertionError when the answer is not as the contract says."""
        operation = self.operation(method, path)
        if operation is None:  # no such path or method: only a problem may come
            if answer.status not in (400, 401, 403, 404, 405, 413):
                raise AssertionError(f"{method} {path} is not in the contract: {answer.status}")
            self.validate({"$ref": "#/components/schemas/Problem"}, answer.json)
            return
        if str(answer.status) not in operation["responses"]:
            raise AssertionError(f"{method} {path}: status {answer.status} is not in the "
                                 f"contract: {answer.body[:300]}")
        self.seen.add((operation["operationId"], answer.status))
        self.check_headers(operation, answer)
        if method != "HEAD":
            self.check_body(operation, answer)
        if answer.status < 300 and isinstance(body, dict):
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            self.validate(schema, body)

    def check_headers(self, operation, answer):
        response = self.resolve(operation["responses"][str(answer.status)])
        for name, header in response.get("headers", {}).items():
            if name == "ETag":
                self.validate(header["schema"], answer.headers.get(name))

    def check_body(self, operation, answer):
        response = self.resolve(operation["responses"][str(answer.status)])
        contents = response.get("content", {})
        kind = answer.headers.get("Content-Type", "").split(";")[0]
        if not contents:
            if answer.body:
                raise AssertionError("a body where the contract has none")
        elif kind not in contents:
            raise AssertionError(f"the type {kind} is not in the contract")
        elif "json" in kind:
            self.validate(contents[kind]["schema"], answer.json)
