"""A portfolio as public pages get it, with every field, in several languages."""

from datetime import date
from types import SimpleNamespace
from typing import Any

from hubbub.schemas.portfolio.pages import PageOwner
from hubbub.schemas.uploads.uploads import Thumbnail

TIME = "2026-03-01T09:30:00.000Z"
AVATAR = "/uploads/0192/ada.png"
SECTIONS = (
    *(
        "contacts",
        "experiences",
        "education",
        "projects",
        "skills",
        "certifications",
        "testimonials",
        "posts",
    ),
)
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2


def owner(**changes: Any) -> PageOwner:
    """The user whose portfolio it is."""
    fields: dict[str, Any] = {
        "username": "ada",
        "name": "Ada Lovelace",
        "avatar": AVATAR,
        "bio": "Engineer of *analytical* engines\n\nI write **programs** for machines.\n\n- numbers\n- music",
        "location": "London",
        "available_for_hire": True,
        "resume_url": "/uploads/0193/resume.pdf",
        "portfolio_url": "https://example.org/ada",
        "theme": "system",
        "accent": "#ffd000",
        "has_blog": True,
    }
    return PageOwner(**{**fields, **changes})


def _item(number: int, **fields: Any) -> SimpleNamespace:
    return SimpleNamespace(
        id=f"01920000-0000-7000-8000-{number:012}", created_at=TIME, updated_at=TIME, **fields
    )


def contact(**changes: Any) -> SimpleNamespace:
    fields = {"platform": "GitHub", "url": "https://github.com/ada", "icon": None, "order": 0, "active": True}
    return _item(1, **{**fields, **changes})


def experience(**changes: Any) -> SimpleNamespace:
    fields = {
        "title": "Programmer",
        "company": "Analytical Engines Ltd",
        "company_id": None,
        "linked_company": SimpleNamespace(
            id="1",
            name="Analytical Engines Ltd",
            logo="https://example.org/logo.png",
            website="https://example.org",
        ),
        "location": "London",
        "start_date": date(2021, 3, 1),
        "end_date": None,
        "current": True,
        "description": "Wrote the *first* program.\n\n| engine | year |\n|---|--:|\n| difference | 1822 |\n",
        "achievements": ["Computed Bernoulli numbers", "Found the first bug"],
        "technologies": ["punched cards", "brass"],
    }
    return _item(2, **{**fields, **changes})


def education(**changes: Any) -> SimpleNamespace:
    fields = {
        "institution": "University of London",
        "degree": "BSc",
        "field": "Mathematics",
        "start_date": date(2017, 9, 1),
        "end_date": date(2020, 6, 30),
        "gpa": 93.25,
        "description": "Algebra\nand analysis",
    }
    return _item(3, **{**fields, **changes})


def project(**changes: Any) -> SimpleNamespace:
    fields = {
        "title": "Notes on the engine",
        "description": "# Notes\n\nWhat the engine **might** do.\n\n```python\nprint(1)\n```\n",
        "image": "/uploads/0194/engine.png",
        "url": "https://example.org/notes",
        "github_url": "https://github.com/ada/notes",
        "tags": ["history"],
        "technologies": ["paper"],
        "start_date": date(2022, 1, 1),
        "end_date": date(2022, 12, 1),
        "featured": True,
        "order": 0,
    }
    return _item(4, **{**fields, **changes})


def skill(**changes: Any) -> SimpleNamespace:
    fields = {
        "name": "Python",
        "category": "language",
        "level": 4,
        "icon": None,
        "color": "#3776ab",
        "order": 0,
    }
    return _item(5, **{**fields, **changes})


def certification(**changes: Any) -> SimpleNamespace:
    fields = {
        "name": "Certified Engine Operator",
        "issuer": "Royal Society",
        "issue_date": date(2023, 5, 1),
        "expiry_date": date(2027, 5, 1),
        "credential_id": "RS-1843",
        "credential_url": "https://example.org/verify",
    }
    return _item(6, **{**fields, **changes})


def testimonial(**changes: Any) -> SimpleNamespace:
    fields = {
        "name": "Charles Babbage",
        "role": "Inventor",
        "company": "Engines",
        "content": "The enchantress\nof numbers.",
        "avatar": None,
        "rating": 5,
        "featured": False,
        "order": 0,
    }
    return _item(7, **{**fields, **changes})


def post(**changes: Any) -> SimpleNamespace:
    fields = {
        "title": "On Bernoulli numbers",
        "slug": "on-bernoulli-numbers",
        "content": "# Numbers\n\nA table of *operations*.\n\n> We may say most aptly …\n",
        "excerpt": "A table of operations.",
        "cover_image": "https://example.org/cover.png",
        "tags": ["numbers", "engines"],
        "published": True,
        "published_at": TIME,
    }
    return _item(8, **{**fields, **changes})


PICTURES = {
    AVATAR: tuple(Thumbnail(width=width, url=f"/uploads/0192/{width}.webp") for width in (64, 256)),
    "/uploads/0194/engine.png": tuple(
        Thumbnail(width=width, url=f"/uploads/0194/{width}.webp") for width in (320, 960)
    ),
}


def portfolio(**changes: Any) -> dict[str, Any]:
    """The context of the page of a portfolio."""
    return {
        "owner": owner(),
        "contacts": [
            contact(),
            contact(platform="E-mail", url="mailto:ada@example.org"),
            contact(platform="هاتف", url="tel:+39012345"),
        ],
        "experiences": [
            experience(),
            experience(
                title="مهندسة برمجيات",
                company="شركة المحركات التحليلية",
                linked_company=None,
                location="القاهرة",
                start_date=date(2019, 1, 1),
                end_date=date(2021, 2, 1),
                current=False,
                description="كتبت **برامج** للآلات.",
                achievements=[],
                technologies=["برمجة"],
            ),
        ],
        "education": [education(), education(institution="東京大学", degree="学士", field="数学", gpa=None)],
        "projects": [
            project(),
            project(
                title="Движок аналитической машины", image=None, featured=False, technologies=["Rust", "C++"]
            ),
            project(
                title=LONG_WORD, image="https://example.org/a.png", featured=False, description=LONG_WORD
            ),
        ],
        "skills": [
            skill(),
            skill(name="Geduld", category="soft_skill", level=None, color=None),
            skill(name="PostgreSQL", category="database", level=5, color="#336791"),
            skill(name="Rust", level=2, color="#ce422b"),
        ],
        "certifications": [certification()],
        "testimonials": [testimonial(), testimonial(name="גרייס הופר", content="מתכנתת מצוינת.", rating=4)],
        "posts": [post(), post(title="数について", slug="post-1a2b", excerpt="数の話。", cover_image=None)],
        "pictures": PICTURES,
        **changes,
    }
