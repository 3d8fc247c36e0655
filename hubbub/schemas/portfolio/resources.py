"""All resources of portfolios. The order is that of exports, and that in which an import creates them."""

from hubbub.schemas.portfolio import (
    blog,
    certifications,
    companies,
    contacts,
    education,
    experiences,
    projects,
    skills,
    testimonials,
)
from hubbub.schemas.portfolio.resource import Resource

RESOURCES: tuple[Resource, ...] = (
    projects.RESOURCE,
    companies.RESOURCE,
    skills.RESOURCE,
    experiences.RESOURCE,
    education.RESOURCE,
    certifications.RESOURCE,
    blog.RESOURCE,
    testimonials.RESOURCE,
    contacts.RESOURCE,
)
BY_NAME = {each.name: each for each in RESOURCES}
