// BaseLayout has no top bar, so no box to load somebody else's document into.
// validatorUrl is null because the default validator is a public web service.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  deepLinking: true,
  validatorUrl: null,
});
