/** The API document as a page: its operations can be tried with a token. */
SwaggerUIBundle({
  url: "v1/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  persistAuthorization: false,
  validatorUrl: null,
});
