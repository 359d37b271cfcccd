"""How Sphinx makes a site of these pages: `sphinx-build -W docs site`."""

from __future__ import annotations

import pytest_cachekit

project = "pytest-cachekit"
version = release = pytest_cachekit.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

# Pages are read on code hosts, too: so plain Markdown, where headings are the anchors.
myst_heading_anchors = 3

autoclass_content = "both"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

# As Markdown has it, and docstrings do.
default_role = "code"

# Two classes are called CacheManager: that of values, and that of all caches.
suppress_warnings = ["ref.python"]

html_theme = "furo"
html_title = f"pytest-cachekit {version}"
html_show_copyright = False
