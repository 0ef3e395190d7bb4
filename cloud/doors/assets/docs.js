// Shows the OpenAPI document of this host. Nothing is asked of any other.
window.SwaggerUIBundle({ url: '/openapi.json', dom_id: '#document', validatorUrl: null, deepLinking: true });
