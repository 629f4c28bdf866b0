"""Send the launch button to notebooks that can be opened, and leave out the script of a service that is not used."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def point_to_notebooks(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Give the Colab button the address of the page's notebook: as shipped it opens the text source, which fails."""
    for group in context.get("header_buttons", []):
        if not isinstance(group, dict):
            continue
        for button in group.get("buttons", []):
            if button.get("text") == "Colab":
                button["url"] = app.config.colab_notebook_url.format(name=pagename.rsplit("/", 1)[-1])


def leave_out_thebe(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Drop Thebe's scripts: they are added twice to every page and end in a JavaScript error."""

    def is_thebe(script: Any) -> bool:
        body = getattr(script, "attributes", {}).get("body") or ""
        return "thebe" in str(getattr(script, "filename", "") or "").lower() or "THEBE_JS_URL" in str(body)

    context["script_files"] = [script for script in context.get("script_files", []) if not is_thebe(script)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both changes to run after the theme has filled in the page."""
    app.add_config_value("colab_notebook_url", "", "html")
    app.connect("html-page-context", point_to_notebooks, priority=900)
    app.connect("html-page-context", leave_out_thebe, priority=950)
    return {"version": "1.0", "parallel_read_safe": True, "parallel_write_safe": True}
