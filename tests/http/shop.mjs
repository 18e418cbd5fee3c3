import * as Sentry from "@sentry/node";

/**
 * An application that has reported to Sentry for years, as the SDK's own documentation writes it. Address, release and
 * environment come from SENTRY_DSN, SENTRY_RELEASE and SENTRY_ENVIRONMENT, which the SDK reads itself.
 */
Sentry.init();
const { default: express } = await import("express");
const app = express();

function totalOf(order) {
  const [first] = order.lines;
  return first.price;
}

app.use((request, _response, next) => {
  Sentry.setUser({ id: request.get("x-user"), email: "jane@example.org" });
  next();
});
app.get("/ok", (_request, response) => {
  response.send("ok");
});
app.get("/orders/:id", (_request, response) => {
  Sentry.setTag("shop", "north");
  response.send(String(totalOf({})));
});
app.get("/caught", (_request, response) => {
  try {
    totalOf({});
  } catch (cause) {
    Sentry.captureException(new Error("The total is not known", { cause }));
  }
  response.status(503).send("later");
});
Sentry.setupExpressErrorHandler(app);
const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.on("SIGTERM", async () => {
  await Sentry.close(2_000);
  process.exit(0);
});
