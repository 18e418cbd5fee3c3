import { describe, expect, it } from "vitest";
import { operationFrom, routeOf } from "#ingest/routes.ts";

describe("the route behind an address", () => {
  it.each([
    ["/orders/17", "/orders/:id"],
    ["/orders/17?token=x#y", "/orders/:id"],
    ["https://shop.test/orders/17/lines/3", "/orders/:id/lines/:id"],
    ["https://shop.test", "/"],
    ["/users/0b1c2d3e-0000-4000-8000-00000000000A", "/users/:id"],
    ["/blobs/9ec79c33ec9942ab", "/blobs/:id"],
    ["/customers/cus_N4q8Zx2b", "/customers/:id"],
    ["/reset/jane@example.org", "/reset/:id"],
    [`/magic/${"x".repeat(60)}`, "/magic/:id"],
    // What only looks like one.
    ["/api/v2/orders", "/api/v2/orders"],
    ["/feedface/decade", "/feedface/decade"],
    ["/orders/[id]/(shop)/:line", "/orders/[id]/(shop)/:line"],
    ["/api/order_lines", "/api/order_lines"],
    ["", "/"],
  ])("%s is %s", (address, route) => {
    expect(routeOf(address)).toBe(route);
  });

  it("is found in no time in a text of any length", () => {
    expect(routeOf(`/${"a/".repeat(500_000)}`).length).toBeLessThanOrEqual(2_000);
    expect(routeOf(`https://${"x".repeat(500_000)}`).length).toBeLessThanOrEqual(2_000);
  });
});

describe("an operation", () => {
  it.each([
    ["GET /orders/:id", null, null, "GET /orders/:id"],
    ["GET /orders/17", "POST", "/x", "GET /orders/:id"],
    ["/orders/[id]", "post", null, "POST /orders/[id]"],
    ["nightly import", "GET", "/x", "nightly import"],
    [null, "get", "https://shop.test/orders/17", "GET /orders/:id"],
    [null, null, "/orders/17", "/orders/:id"],
    [null, "<script>", "/a", "/a"],
    [null, "GET", null, null],
    ["", "GET", "/a", "GET /a"],
  ])("from %j, %j and %j is %j", (name, method, address, operation) => {
    expect(operationFrom(name, method, address)).toBe(operation);
  });
});
