import * as Sentry from "@sentry/node";

// As Sentry documents it; the DSN, the environment and the release are the surroundings' to say.
Sentry.init({
  release: process.env.RELEASE,
  tracesSampleRate: 1,
});
const { default: express } = await import("express");
const { findCustomer, findOrder } = await import("./orders.mjs");
const app = express();

app.use((request, _response, next) => {
  Sentry.setUser({ id: request.get("x-user") });
  next();
});

app.get("/health", (_request, response) => {
  response.json({ status: "ok", release: process.env.RELEASE });
});

app.get("/customers/:id", async (request, response) => {
  const customer = await findCustomer(request.params.id);
  if (!customer) {
    return response.status(404).json({ error: "Customer not found" });
  }
  response.json({ name: customer.name });
});

app.get("/sales", (_request, response) => {
  Sentry.captureMessage("Somebody asked for sales", "info");
  response.json([]);
});

app.get("/orders/:id", async (request, response) => {
  const order = await findOrder(request.params.id);
  response.json({ id: order.id, lines: order.lines.length });
});

Sentry.setupExpressErrorHandler(app);
app.listen(Number(process.env.PORT), process.env.HOST);
