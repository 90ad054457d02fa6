"""The status page as a browser would read it."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser

from claude_cost_exporter.views import view_all
from claude_cost_exporter.web.status import status_page

NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
VOID = {"meta", "link", "br"}
OPTIONAL = {"p", "tr", "td", "th"}
"""Elements whose end tag HTML lets one leave out."""


class Page(HTMLParser):
    """The page as a browser would read it: elements, attributes and text."""

    def __init__(self, snapshot, *, now=NOW, simulated=False) -> None:
        super().__init__()
        samples = list(view_all(snapshot, now))
        self.html = status_page(snapshot, samples, now, simulated=simulated).decode()
        self.tags, self.attributes, self.open, self.words = [], [], [], []
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID | OPTIONAL:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in OPTIONAL:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data.strip())

    @property
    def text(self):
        return " ".join(word for word in self.words if word)
