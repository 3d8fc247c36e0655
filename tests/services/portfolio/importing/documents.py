"""Documents to import, and what an import reports."""

import uuid

from tests.support.portfolio_documents import document


def counts(result):
    assert result.errors == []
    return result.created, result.updated, result.deleted


EVERYTHING = document(
    profile={"bio": "Hello", "theme": "dark", "is_public": True, "show_skills": False},
    projects=[
        {"title": "A", "tags": ["x", "y", "x"], "start_date": "2020-01-31"},
        {"title": "B", "order": 7},
    ],
    companies=[{"id": str(uuid.uuid4()), "name": "Acme"}],
    skills=[{"name": "SQL", "category": "database", "level": 5}],
    experiences=[{"title": "Engineer", "company": "Acme", "start_date": "2019-02-01", "current": True}],
    education=[{"institution": "School", "gpa": 3.75}],
    certifications=[{"name": "C"}],
    blog=[{"title": "Post", "content": "# Hi\n\nText", "published": True}],
    testimonials=[{"name": "Bob", "content": "Good"}],
    contacts=[{"platform": "mail", "url": "mailto:a@example.com"}],
)
