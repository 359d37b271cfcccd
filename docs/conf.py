"""How Sphinx makes a site of these pages: `sphinx-build -W docs site`."""

from __future__ import annotations

import pytest_cachekit

project = "pytest-cachekit"
author = "the authors of pytest-cachekit"
version = release = pytest_cachekit.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.doctest"]
exclude_patterns = ["_build"]
nitpicky = False

# Pages are read on code hosts, too: so plain Markdown, where headings are the anchors.
myst_heading_anchors = 3
myst_enable_extensions = ["attrs_inline"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"pytest-cachekit {version}"
# All that a page needs comes with it.
html_theme_options = {"source_edit_link": ""}
