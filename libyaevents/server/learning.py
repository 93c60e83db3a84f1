"""The routes of retraining: start and stop it, see how far it is, read its report, use another model."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from libyaevents.server.library import page_answer
from libyaevents.server.models import Models
from libyaevents.server.requests import Body, author_of, body_schema, read_request
from libyaevents.server.retraining import Retraining
from libyaevents.server.store import SHARED, Store
from libyaevents.server.studio import Signature

__all__ = ["make_learning_router"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """What to learn from: the documents of a layer that are done; `force` accepts a worse model, too."""

    author: str | None = None
    force: bool = False
    layer: str = SHARED


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """The name of a model to read with."""

    author: str | None = None
    model: str


def make_learning_router(store: Store, models: Models, retraining: Retraining) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api", tags=["studio"])

    @router.get("/retraining")
    def status() -> dict[str, Any]:
        """How the last retraining stands."""
        return retraining.status()

    @router.post("/retraining", openapi_extra=body_schema(TrainingRequest))
    def start(request: Request, body: Body) -> dict[str, Any]:
        """Train the model in use on what is done; one that was stopped goes on."""
        asked = read_request(body, TrainingRequest)
        author = author_of(request, asked.author)
        documents = store.documents(layer=asked.layer, state="done")
        retraining.start(documents, model=models.folder, author=author, is_forced=asked.force)
        return retraining.status()

    @router.delete("/retraining", openapi_extra=body_schema(Signature))
    def stop(request: Request, body: Body) -> dict[str, Any]:
        """Stop the retraining; it can go on later."""
        author_of(request, read_request(body, Signature).author)
        retraining.stop()
        return retraining.status()

    @router.get("/retraining/report", response_class=HTMLResponse)
    def report() -> HTMLResponse:
        """The report of the last retraining."""
        return page_answer(retraining.report)

    @router.post("/model", openapi_extra=body_schema(ModelChoice))
    def use(request: Request, body: Body) -> dict[str, Any]:
        """Read with another model from now on."""
        asked = read_request(body, ModelChoice)
        author_of(request, asked.author)
        models.use(asked.model)
        return models.current()

    return router
