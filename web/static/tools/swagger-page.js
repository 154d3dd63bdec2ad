// Starts Swagger UI on this server's document. The token given under "Authorize" is kept in this browser.
"use strict";

window.SwaggerUIBundle({
  url: `${document.documentElement.dataset.base}/openapi.json`,
  dom_id: "#page",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  // Its default sends the document's address to a server of others.
  validatorUrl: null,
});
