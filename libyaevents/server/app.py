"""The whole server as one ASGI app: security before everything, the API, the studio's routes, the page."""

import mimetypes
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

import libyaevents
from libyaevents.catalog import DEFAULT_MODEL
from libyaevents.extractor import Extractor
from libyaevents.server.api import make_api_router
from libyaevents.server.errors import ERRORS, answer_errors
from libyaevents.server.exchange import discard_uploads
from libyaevents.server.learning import make_learning_router
from libyaevents.server.library import make_library_router
from libyaevents.server.metrics import Meter, Metrics
from libyaevents.server.models import Models
from libyaevents.server.reader import Reader
from libyaevents.server.retraining import Retraining
from libyaevents.server.security import Security
from libyaevents.server.settings import ServerSettings
from libyaevents.server.store import Store
from libyaevents.server.studio import make_router

__all__ = ["create_app"]

STATIC = Path(__file__).parent / "static"


def create_app(settings: ServerSettings, *, extractor: Extractor | None = None) -> FastAPI:
    """Open the data folder, load the model, and put the app together.

    Args:
        settings: see `ServerSettings`.
        extractor: reads in place of the model that the settings name.

    Raises:
        OutputError, InputError: the data folder cannot be used.
        ModelNotFoundError, CheckpointError: the model cannot be loaded.
    """
    store = Store(settings.data)
    discard_uploads(settings.data)
    metrics = Metrics(pending_characters=lambda: reader.pending_characters)
    name = settings.model or DEFAULT_MODEL
    reader = Reader(extractor or Extractor.from_pretrained(name), on_batch=metrics.count_batch)
    retraining = Retraining(settings.data / "retraining")
    models = Models(
        reader, name, retrained=lambda: retraining.newest_model, memory=settings.data / "model.txt"
    )
    if settings.model is None:
        models.use_last()
    token = secrets.token_urlsafe(32)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        reader.start()
        try:
            yield
        finally:
            retraining.stop()
            reader.close()
            store.close()

    app = FastAPI(
        title="libyaevents",
        version=libyaevents.__version__,
        lifespan=lifespan,
        docs_url=None,  # both load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        responses=ERRORS,
    )
    app.state.token = token
    app.state.stop = reader.close  # what is being read, when answers have to end
    answer_errors(app)
    app.add_middleware(Security, settings=settings, token=token)
    app.add_middleware(Meter, metrics=metrics)  # the last that is added is the first asked
    app.include_router(make_api_router(reader, models, metrics))
    app.include_router(make_router(store, reader, models))
    app.include_router(make_library_router(store, reader))
    app.include_router(make_learning_router(store, models, retraining))
    # Windows takes types from its registry, where another program may have put text/plain.
    for suffix in (".js", ".mjs"):
        mimetypes.add_type("text/javascript", suffix)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/", include_in_schema=False)
    def page() -> HTMLResponse:
        html = (STATIC / "index.html").read_text(encoding="utf-8")
        return HTMLResponse(html.replace("{{token}}", token), headers={"Cache-Control": "no-store"})

    return app
