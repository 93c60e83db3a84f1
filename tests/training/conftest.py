"""What tests of training share: the tokenizer and the labels of the tiny models."""

import pytest
from tokenizers import Tokenizer

from libyaevents.assemble import Labels
from libyaevents.documents import Document
from tests.tiny import make_labels, make_tokenizer


@pytest.fixture(scope="session")
def tokenizer(article: Document) -> Tokenizer:
    """The tiny tokenizer."""
    return make_tokenizer(article.text)


@pytest.fixture(scope="session")
def labels(article: Document) -> Labels:
    """The labels of the tiny models."""
    return make_labels(article)
