"""Links to files: a file is given only to whoever holds a link that a page of this server has made.

Downloads of checkpoints may be gigabytes, which is why they do not pass through Streamlit's memory. A signature stands
for the login that a page asks for, and makes that no other path can be asked for. Links end with the server.
"""

import secrets
from pathlib import Path

from itsdangerous import BadSignature, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from app.security.roots import Outside, Roots

FILES = "/specdet-files"
_SIGNER = URLSafeSerializer(secrets.token_bytes(32), salt="specdet-files")


def link_to(path: Path) -> str:
    """A link, relative to the app, under which the server gives a file. Raises Outside for a path out of the roots."""
    return f"{FILES}/{_SIGNER.dumps(str(Roots.here().inside(path)))}"


async def give_file(request: Request) -> Response:
    """Answer a link: the file as a download, which no browser shows or runs."""
    try:
        path = Roots.here().inside(_SIGNER.loads(request.path_params["token"]))
    except BadSignature:
        return PlainTextResponse("this link is of another start of the app: load the page again\n", status_code=403)
    except Outside as error:
        return PlainTextResponse(f"{error}\n", status_code=403)
    if not path.is_file():
        return PlainTextResponse("this file is gone\n", status_code=404)
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
    return FileResponse(path, filename=path.name, media_type="application/octet-stream", headers=headers)
