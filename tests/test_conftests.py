"""A test goes stale when a conftest or a plugin of the project's that serves it has changed."""

from __future__ import annotations

from .harness import Project
from .stories import Story, replacing, stories, writing


@stories(
    Story(
        "a conftest that appears",
        {"test_it.py": "def test_it(request): assert not hasattr(request.config, 'word')"},
        writing("conftest.py", "def pytest_configure(config): config.word = 'here'"),
        "path conftest.py, absent before,",
        spares_bystanders=False,
    ),
    Story(
        "a conftest that appears in a folder",
        {"sub/test_it.py": "def test_it(request): assert not hasattr(request.module, 'word')"},
        writing(
            "sub/conftest.py",
            "def pytest_runtest_setup(item): item.module.word = 'here'",
        ),
        "path sub/conftest.py, absent before,",
        target="sub/test_it.py::test_it",
    ),
    Story(
        "a conftest that changes",
        {
            "conftest.py": """
                import pytest
                VALUE = 1
                @pytest.fixture
                def value(): return VALUE
                """,
            "test_it.py": "def test_it(value): assert value == 1",
        },
        replacing("conftest.py", "= 1", "= 2"),
        "import-time code of conftest.py",
        spares_bystanders=False,
    ),
    Story(
        "a plugin of the project's",
        {
            "myplugin.py": "import pytest\n@pytest.fixture\ndef value():\n    return 1",
            "pytest.ini": "[pytest]\naddopts = -p myplugin",
            "test_it.py": "def test_it(value): assert value == 1",
        },
        replacing("myplugin.py", "1", "2"),
        "myplugin.py",
        spares_bystanders=False,
    ),
)
def test_goes_stale(project: Project, story: Story) -> None:
    story.tell(project)
