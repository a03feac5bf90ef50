"""Examples of a request in three languages, written from its :class:`~core.openapi.Sample`."""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import urlencode

from core.openapi import BEARER, SESSION, TOKEN, TRACE_HEADER, Operation

#: Where ``manage.py serve`` listens; pages put their own address in its place.
HOST: Final = "http://127.0.0.1:8000"
#: What stands in the place of a key.
_KEY: Final = "YOUR_API_KEY"
#: Place holders of what an address has to escape.
_NEEDS_ESCAPES: Final = frozenset({"SCENE_FILE"})
#: Names of files that examples save.
_SAVED_AS: Final = {"image/jpeg": "scene.jpg", "video/mp4": "scene.mp4"}


def samples_of(operation: Operation) -> list[dict[str, str]]:
    """The examples as ``x-codeSamples`` has them."""
    request = _Request(operation)
    return [
        {"lang": "Shell", "label": "curl", "source": _curl(request)},
        {"lang": "Python", "label": "Python", "source": _python(request)},
        {"lang": "JavaScript", "label": "JavaScript", "source": _javascript(request)},
    ]


class _Request:
    """What all three languages say of a request."""

    def __init__(self, operation: Operation) -> None:
        sample = operation.sample
        self.method = operation.method.upper()
        path = operation.path
        for name, value in sample.path.items():
            path = path.replace(f"{{{name}}}", value)
        self.url = HOST + path
        self.query = dict(sample.query)
        self.headers = dict(sample.headers)
        match sample.auth:
            case "":
                pass
            case s if s == BEARER:
                self.headers["Authorization"] = f"Bearer {_KEY}"
            case s if s == SESSION:
                self.headers["Cookie"] = "SESSION_COOKIE"
            case s if s == TRACE_HEADER:
                self.headers["x-trace-key"] = _KEY
            case s if s == TOKEN:
                self.query["token"] = _KEY
            case other:
                raise ValueError(f"no example shows {other!r}")
        self.json, self.form = sample.json, sample.form
        self.files, self.base64 = sample.files, sample.base64
        self.saved_as = next(
            (
                _SAVED_AS[each.media_type]
                for each in operation.answers.values()
                if each.media_type in _SAVED_AS
            ),
            "",
        )


def _curl(request: _Request) -> str:
    url, lines = request.url, []
    is_plain = all(
        f"{name}={value}" == urlencode({name: value}) and value not in _NEEDS_ESCAPES
        for name, value in request.query.items()
    )
    if request.query and is_plain:
        url += "?" + "&".join(f"{name}={value}" if value else name for name, value in request.query.items())
    elif request.query:
        lines += ["-G", *(f'--data-urlencode "{name}={value}"' for name, value in request.query.items())]
    lines += [f'-H "{name}: {value}"' for name, value in request.headers.items()]
    if request.json is not None:
        lines += ['-H "Content-Type: application/json"', f"-d '{json.dumps(request.json)}'"]
    lines += [f'-F "{name}={value}"' for name, value in request.form.items()]
    lines += [f'-F "{name}=@{file}"' for name, file in request.files.items()]
    lines += [f"--data-urlencode {name}@-" for name in request.base64]
    if request.saved_as:
        lines.append(f"-o {request.saved_as}")
    has_body = request.json is not None or request.form or request.files or request.base64
    verb = (
        "" if request.method == "GET" or (has_body and request.method == "POST") else f"-X {request.method} "
    )
    shown = f'"{url}"' if "?" in url else url
    source = " \\\n  ".join([f"curl {verb}{shown}", *lines])
    for file in request.base64.values():
        source = f"base64 -w 0 {file} | {source}"
    return source


def _python(request: _Request) -> str:
    arguments = [f'"{request.url}"']
    if request.query:
        arguments.append(f"params={_literal(request.query)}")
    if request.headers:
        arguments.append(f"headers={_literal(request.headers)}")
    if request.json is not None:
        arguments.append(f"json={_literal(request.json)}")
    if request.form:
        arguments.append(f"data={_literal(request.form)}")
    if request.base64:
        arguments.append("data={" + ", ".join(f'"{name}": {name}' for name in request.base64) + "}")
    if request.files:
        arguments.append("files={" + ", ".join(f'"{name}": {name}' for name in request.files) + "}")
    call = f"requests.{request.method.lower()}({arguments[0]})"
    if len(arguments) > 1:
        call = f"requests.{request.method.lower()}(\n    " + ",\n    ".join(arguments) + ",\n)"
    lines = ["import requests", ""]
    if request.base64:
        lines[0] = "import base64\n\nimport requests"
    for name, file in request.base64.items():
        lines += [
            f'with open("{file}", "rb") as file:',
            f"    {name} = base64.b64encode(file.read()).decode()",
        ]
    if request.files:
        for name, file in request.files.items():
            lines.append(f'with open("{file}", "rb") as {name}:')
        lines.append(_indented(f"response = {call}"))
    else:
        lines.append(f"response = {call}")
    lines.append("response.raise_for_status()")
    if request.saved_as:
        lines += [f'with open("{request.saved_as}", "wb") as file:', "    file.write(response.content)"]
    else:
        lines.append("print(response.json())")
    return "\n".join(lines)


def _javascript(request: _Request) -> str:
    lines: list[str] = []
    files = [*request.files, *request.base64]
    imported = [*(["readFile"] if files else []), *(["writeFile"] if request.saved_as else [])]
    if imported:
        lines += [f'import {{ {", ".join(imported)} }} from "node:fs/promises";', ""]
    target = f'"{request.url}"'
    if request.query:
        lines += [
            f'const url = new URL("{request.url}");',
            f"url.search = new URLSearchParams({_literal(request.query)});",
        ]
        target = "url"
    options = [] if request.method == "GET" else [f'method: "{request.method}"']
    headers = dict(request.headers)
    if request.json is not None:
        headers["Content-Type"] = "application/json"
        body = f"JSON.stringify({_literal(request.json)})"
    elif request.files or request.form:
        lines.append("const form = new FormData();")
        lines += [f'form.append("{name}", "{value}");' for name, value in request.form.items()]
        lines += [
            f'form.append("{name}", new Blob([await readFile("{file}")]), "{file}");'
            for name, file in request.files.items()
        ]
        body = "form"
    elif request.base64:
        pairs = [f'{name}: await readFile("{file}", "base64")' for name, file in request.base64.items()]
        body = f"new URLSearchParams({{ {', '.join(pairs)} }})"
    else:
        body = ""
    if headers:
        options.append(f"headers: {_literal(headers)}")
    if body:
        options.append(f"body: {body}")
    call = f"fetch({target})"
    if options:
        call = f"fetch({target}, {{\n  " + ",\n  ".join(options) + ",\n})"
    lines += [
        f"const response = await {call};",
        "if (!response.ok) throw new Error(await response.text());",
    ]
    if request.saved_as:
        lines.append(f'await writeFile("{request.saved_as}", Buffer.from(await response.arrayBuffer()));')
    else:
        lines.append("console.log(await response.json());")
    return "\n".join(lines)


def _literal(fields: dict[str, str]) -> str:
    """A flat object of strings, which Python and JavaScript write alike."""
    return "{" + ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in fields.items()) + "}"


def _indented(code: str) -> str:
    return "\n".join(f"    {line}" for line in code.splitlines())
