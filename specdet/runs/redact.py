"""Keeping secrets out of what is written about a run."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence

HIDDEN = "<redacted>"
SECRET_WORDS = ("token", "tokens", "key", "keys", "secret", "secrets", "password", "passwords", "passwd", "passphrase",
                "pass", "auth", "credential", "credentials")  # fmt: skip
SHORTEST = 6  # characters of a value that is looked for in other texts; "1" would be found everywhere
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")  # of apiKey, API_KEY, api-key
# A key and its value inside of an argument: { token = "abc" }; what begins with a brace is no value, but holds some.
INNER = re.compile(r"""(?P<key>[\w.-]+)(?P<sign>["']?\s*[=:]\s*)(?P<value>"[^"]*"|'[^']*'|[^\s,{}\[\]"']+)""")
PAIR = re.compile(r"(?P<key>[^=\s]+)=(?P<value>.*)", re.DOTALL)
LOGIN = re.compile(r"(?<=://)[^/@\s]+(?=@)")
REFERENCE = re.compile(r"""\benv\s*=\s*["'](\w+)["']""")  # { env = "NAME" } in a spec


def is_secret_name(name: str) -> bool:
    """Whether a key, an option or a variable sounds as if it held a secret: `hub.api_key`, `--token`, `AWS_SECRET`."""
    return any(word.lower().endswith(SECRET_WORDS) for word in WORD.findall(name))


def secret_values(environment: Mapping[str, str] | None = None, *, specs: Iterable[str] = ()) -> list[str]:
    """The secrets that this process was given: in variables that sound like it, and in those that specs refer to.

    Args:
        specs: Texts of specs.
    """
    environment = os.environ if environment is None else environment
    referred = {name for text in specs for name in REFERENCE.findall(text)}
    found = {value for name, value in environment.items() if name in referred or is_secret_name(name)}
    return sorted((value for value in found if len(value) >= SHORTEST), key=len, reverse=True)


def redacted(text: str, *, secrets: Iterable[str]) -> str:
    """`text` without these secrets and without the logins of addresses."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return LOGIN.sub(HIDDEN, text)


def redacted_arguments(argv: Sequence[str], *, secrets: Sequence[str]) -> list[str]:
    """A command line without secrets: neither known ones nor what follows `--token`, `api_key=`, `--set a.secret=`."""
    shown: list[str] = []
    hide_next = False
    for argument in argv:
        pair = PAIR.fullmatch(argument)
        if pair and is_secret_name(pair["key"]) and not _is_reference(pair["value"]):
            shown.append(f"{pair['key']}={HIDDEN}")
        elif hide_next and not argument.startswith("-"):
            shown.append(HIDDEN)
        else:
            shown.append(INNER.sub(_without_value, redacted(argument, secrets=secrets)))
        hide_next = pair is None and argument.startswith("-") and is_secret_name(argument)
    return shown


def redacted_environment(environment: Mapping[str, str], *, secrets: Sequence[str]) -> dict[str, str]:
    """Variables without secrets; a name that sounds like one keeps no value."""
    return {
        name: HIDDEN if is_secret_name(name) else redacted(value, secrets=secrets)
        for name, value in environment.items()
    }


def _without_value(match: re.Match[str]) -> str:
    return f"{match['key']}{match['sign']}{HIDDEN}" if is_secret_name(match["key"]) else match[0]


def _is_reference(value: str) -> bool:
    return re.fullmatch(r"\s*\{\s*" + REFERENCE.pattern + r"\s*\}\s*", value) is not None
