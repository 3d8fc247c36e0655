"""The API document (OpenAPI 3.1) and the Postman collection, generated from the table of routes."""
