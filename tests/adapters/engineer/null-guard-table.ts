/** A fixture: the code with the sign in front of what failed, what the engine said, and the one change that is right. */
export interface GuardCase {
  name: string;
  path: string;
  code: string;
  error: string;
  /** This text of the code … */
  from: string;
  /** … becomes this one; nothing else changes. */
  to: string;
  others?: Record<string, string>;
  confidence: [number, number];
  person?: boolean;
}

const undefinedRead = (name: string) => `Cannot read properties of undefined (reading '${name}')`;
const nullRead = (name: string) => `Cannot read properties of null (reading '${name}')`;
const strict = { "tsconfig.json": `{ "compilerOptions": { "strict": true } }` };

const nextRoute = `import { NextResponse } from 'next/server'
import { db } from '@/lib/db'

export async function GET(request, { params }) {
  const team = await db.team.findUnique({ where: { id: params.id } })
  if (!team) {
    return NextResponse.json({ error: 'Team not found' }, { status: 404 })
  }
  const owner = await db.user.findUnique({ where: { id: team.ownerId } })
  return NextResponse.json({ team, owner: owner.⟦name })
}
`;

export const answers: GuardCase[] = [
  {
    name: "a Next route answers in the way of the guard above it",
    path: "src/app/api/teams/[id]/route.js",
    code: nextRoute,
    error: undefinedRead("name"),
    from: "ownerId } })\n",
    to: "ownerId } })\n  if (!owner) {\n    return NextResponse.json({ error: 'Owner not found' }, { status: 404 })\n  }\n",
    confidence: [90, 95],
  },
  {
    name: "CRLF stays CRLF",
    path: "src/app/api/teams/[id]/route.js",
    code: nextRoute.replaceAll("\n", "\r\n"),
    error: nullRead("name"),
    from: "ownerId } })\r\n",
    to: "ownerId } })\r\n  if (!owner) {\r\n    return NextResponse.json({ error: 'Owner not found' }, { status: 404 })\r\n  }\r\n",
    confidence: [90, 95],
  },
  {
    name: "tabs stay tabs, and a sibling's helper is the model",
    path: "src/app/api/orders/pay/route.ts",
    code: `import { fail, ok } from "../../../../lib/answers";
import { findOrder } from "../../../../lib/orders";

export const POST = async (request: Request) => {
	const { orderId } = await request.json();
	const order = await findOrder(orderId);
	return ok(order.⟦total);
};
`,
    others: {
      "src/app/api/orders/route.ts": `import { fail, ok } from "../../../lib/answers";
import { findCart } from "../../../lib/orders";

export const GET = async (request: Request) => {
	const cart = await findCart(request.url);
	if (cart == null) return fail(404, "No such cart.");
	return ok(cart);
};
`,
    },
    error: undefinedRead("total"),
    from: "(orderId);\n",
    to: '(orderId);\n\tif (order == null) return fail(404, "No such order.");\n',
    confidence: [88, 92],
  },
  {
    name: "Express in CommonJS: two statements, the handler's own name for the response",
    path: "routes/books.js",
    code: `const express = require('express');
const store = require('../store');
const router = express.Router();

router.get('/authors/:id', async (req, res) => {
  const author = await store.findAuthor(req.params.id);
  if (!author) {
    res.status(404).json({ message: 'Author not found.' });
    return;
  }
  res.json(author);
});

router.get('/books/:id', async (request, response) => {
  const book = await store.findBook(request.params.id);
  response.json({ title: book.⟦title, year: book.year });
});

module.exports = router;
`,
    error: undefinedRead("title"),
    from: "request.params.id);\n",
    to: `request.params.id);
  if (!book) {
    response.status(404).json({ message: 'Book not found.' });
    return;
  }
`,
    confidence: [90, 95],
  },
  {
    name: "Express without any model: the plain way, for a person to look at",
    path: "server.js",
    code: `app.get('/pets/:id', async (req, res) => {
  const pet = await pets.findOne({ id: req.params.id });
  res.send(pet.⟦name);
});
`,
    error: nullRead("name"),
    from: "req.params.id });\n",
    to: `req.params.id });
  if (!pet) {
    return res.status(404).json({ error: 'Pet not found' });
  }
`,
    confidence: [50, 79],
  },
  {
    name: "Fastify answers through reply",
    path: "src/routes/users.ts",
    code: `export default async function (app: App) {
  app.get("/users/:id", async (request, reply) => {
    const user = await app.db.getUser(request.params.id);
    if (user === undefined) {
      return reply.code(404).send({ code: "USER_NOT_FOUND", message: "User does not exist" });
    }
    return user;
  });
  app.get("/invoices/:id", async (req, rep) => {
    const invoice = await app.db.getInvoice(req.params.id);
    rep.send({ cents: invoice.⟦cents });
  });
}
`,
    error: undefinedRead("cents"),
    from: "getInvoice(req.params.id);\n",
    to: `getInvoice(req.params.id);
    if (invoice === undefined) {
      return rep.code(404).send({ code: "INVOICE_NOT_FOUND", message: "Invoice does not exist" });
    }
`,
    confidence: [90, 95],
  },
  {
    name: "Hono: one line, no braces",
    path: "src/index.ts",
    code: `app.get('/a/:id', async (c) => {
  const article = await articles.find(c.req.param('id'))
  if (!article) return c.json({ error: 'article not found' }, 404)
  return c.json(article)
})
app.get('/t/:id', async (c) => {
  const tag = await tags.find(c.req.param('id'))
  return c.json({ label: tag.⟦label })
})
`,
    error: nullRead("label"),
    from: "await tags.find(c.req.param('id'))\n",
    to: "await tags.find(c.req.param('id'))\n  if (!tag) return c.json({ error: 'tag not found' }, 404)\n",
    confidence: [90, 95],
  },
  {
    name: "what the client did not send is answered with 400",
    path: "src/app/api/subscribe/route.ts",
    code: `export async function POST(request: Request) {
  const body = await request.json();
  if (!body.email) {
    return Response.json({ error: "Email is required" }, { status: 400 });
  }
  const city = body.address.⟦city;
  return Response.json({ city });
}
`,
    error: undefinedRead("city"),
    from: "const city = body.address.city;",
    to: `if (!body.address) {
    return Response.json({ error: "Address is required" }, { status: 400 });
  }
  const city = body.address.city;`,
    confidence: [88, 95],
  },
  {
    name: "a wrapped result: the guard follows the test of its error",
    path: "src/app/api/campaigns/[id]/route.ts",
    code: `export async function GET(request: Request, { params }: Props) {
  const { data: campaign, error } = await supabase.from("campaigns").select().eq("id", params.id).maybeSingle();
  if (error) {
    return Response.json({ error: "Database error" }, { status: 500 });
  }

  return Response.json({ name: campaign.⟦name });
}
`,
    error: nullRead("name"),
    from: "500 });\n  }\n",
    to: `500 });
  }
  if (!campaign) {
    return Response.json({ error: "Campaign not found" }, { status: 404 });
  }
`,
    confidence: [90, 95],
  },
  {
    name: "the first row of a query is named after its table",
    path: "src/app/api/clinics/[id]/route.ts",
    code: `export async function GET(request: Request, { params }: Props) {
  const result = await pool.query("SELECT * FROM clinics WHERE id = $1", [params.id]);
  return Response.json({ id: result.rows[0].⟦id });
}
`,
    others: {
      "src/app/api/doctors/[id]/route.ts": `export async function GET(request: Request, { params }: Props) {
  const doctor = await doctorOf(params.id);
  if (!doctor) {
    return Response.json({ error: "Doctor not found" }, { status: 404 });
  }
  return Response.json(doctor);
}
`,
    },
    error: undefinedRead("id"),
    from: "[params.id]);\n",
    to: `[params.id]);
  if (!result.rows[0]) {
    return Response.json({ error: "Clinic not found" }, { status: 404 });
  }
`,
    confidence: [88, 92],
  },
  {
    name: "a controller throws the exception that it throws elsewhere",
    path: "src/rooms/rooms.controller.ts",
    code: `import { Controller, Get, NotFoundException, Param } from "@nestjs/common";

@Controller("rooms")
export class RoomsController {
  @Get(":id")
  async one(@Param("id") id: string) {
    const room = await this.rooms.findById(id);
    if (!room) throw new NotFoundException("Room not found");
    return room;
  }

  @Get(":id/guest")
  async guest(@Param("id") id: string) {
    const guest = await this.guests.findByRoom(id);
    return guest.⟦name;
  }
}
`,
    error: nullRead("name"),
    from: "findByRoom(id);\n",
    to: 'findByRoom(id);\n    if (!guest) throw new NotFoundException("Guest not found");\n',
    confidence: [88, 95],
  },
  {
    name: "nobody is signed in: 401, and a person must agree",
    path: "src/app/api/me/route.ts",
    code: `export async function PATCH(request: Request) {
  const session = await auth();
  if (!session) {
    return new Response("Unauthorized", { status: 401 });
  }
  return Response.json(await rename(session, await request.text()));
}

export async function GET() {
  const session = await auth();
  return Response.json({ id: session.⟦userId });
}
`,
    error: nullRead("userId"),
    from: "export async function GET() {\n  const session = await auth();\n",
    to: `export async function GET() {
  const session = await auth();
  if (!session) {
    return new Response("Unauthorized", { status: 401 });
  }
`,
    confidence: [80, 92],
    person: true,
  },
  {
    name: "a value without a name gets one, and then its guard",
    path: "src/app/api/labels/[id]/route.ts",
    code: `export async function GET(request: Request, { params }: Props) {
  const { color } = await findLabel(params.id);
  if (color === "none") {
    return Response.json({ error: "Color not found" }, { status: 404 });
  }
  return Response.json({ color });
}
`.replace("{ color } = await findLabel", "{ ⟦color } = await findLabel"),
    error: "Cannot destructure property 'color' of '(intermediate value)' as it is undefined.",
    from: "const { color } = await findLabel(params.id);",
    to: `const label = await findLabel(params.id);
  if (!label) {
    return Response.json({ error: "Label not found" }, { status: 404 });
  }
  const { color } = label;`,
    confidence: [88, 95],
  },
  {
    name: "the closure that fails is guarded where the value comes from",
    path: "src/app/api/plans/[id]/route.ts",
    code: `export async function GET(request: Request, { params }: Props) {
  const plan = await findPlan(params.id);
  if (plan === undefined) {
    return Response.json({ error: "Plan not found" }, { status: 404 });
  }
  const price = await findPrice(plan.id);
  return Response.json(plan.parts.map((part) => part.count * price.⟦cents));
}
`,
    error: undefinedRead("cents"),
    from: "findPrice(plan.id);\n",
    to: `findPrice(plan.id);
  if (price === undefined) {
    return Response.json({ error: "Price not found" }, { status: 404 });
  }
`,
    confidence: [90, 95],
  },
];

export const chains: GuardCase[] = [
  {
    name: "a property that may be missing anyway",
    path: "lib/log.js",
    code: `'use strict'
module.exports = function (req) {
  return { id: req.id, agent: req.headers['user-agent'], port: req.socket.⟦port, tls: req.raw?.tls }
}
`,
    error: undefinedRead("port"),
    from: "req.socket.port",
    to: "req.socket?.port",
    confidence: [80, 92],
  },
  {
    name: "a fallback is there already",
    path: "src/name.ts",
    code: `export const nameOf = (account: any) => account.profile.⟦name ?? "somebody";\n`,
    error: nullRead("name"),
    from: "profile.name",
    to: "profile?.name",
    confidence: [80, 92],
  },
  {
    name: "the test then takes the exit that is there already",
    path: "lib/server.mjs",
    code: `export function upgrade(req, socket) {
	if (req.headers['upgrade'].⟦toLowerCase() !== 'websocket') {
		abort(socket, 400)
		return
	}
	accept(socket)
}
`,
    error: undefinedRead("toLowerCase"),
    from: "['upgrade'].toLowerCase",
    to: "['upgrade']?.toLowerCase",
    confidence: [85, 92],
  },
  {
    name: "old engines get the old form",
    path: "lib/server.js",
    others: { "package.json": `{ "name": "old", "engines": { "node": ">= 10" } }` },
    code: `var upgrade = function (req, socket) {
  if (req.headers.upgrade.⟦toLowerCase() !== 'websocket') {
    return abort(socket);
  }
  accept(socket);
};
`,
    error: undefinedRead("toLowerCase"),
    from: "if (req.headers",
    to: "if (!req.headers.upgrade || req.headers",
    confidence: [85, 92],
  },
  {
    name: "markup shows nothing for nothing",
    path: "src/Card.jsx",
    code: `export function Card({ author }) {\n  return <p>{author.bio.⟦text}</p>;\n}\n`,
    error: undefinedRead("text"),
    from: "bio.text",
    to: "bio?.text",
    confidence: [80, 92],
  },
  {
    name: "a chain over several lines keeps its lines",
    path: "src/tag.ts",
    code: `export const isSmall = (node: any): boolean =>
  node.parent
    .⟦children.length === 0;
`,
    error: nullRead("children"),
    from: "    .children",
    to: "    ?.children",
    confidence: [80, 92],
  },
  {
    name: "an element of a list",
    path: "src/first.ts",
    others: strict,
    code: `export function firstName(rows: { name: string }[]): string | undefined {\n  return rows[0].⟦name;\n}\n`,
    error: undefinedRead("name"),
    from: "rows[0].name",
    to: "rows[0]?.name",
    confidence: [80, 92],
  },
  {
    name: "ending what is not there",
    path: "src/Player.js",
    code: `class Player {\n  stop() {\n    this.timer.⟦cancel()\n  }\n}\n`,
    error: undefinedRead("cancel"),
    from: "timer.cancel",
    to: "timer?.cancel",
    confidence: [80, 92],
  },
  {
    name: "a function that the types say may be left out",
    path: "src/load.ts",
    others: strict,
    code: `interface Options {
  clear?: () => void;
}
export function load(options: Options): void {
  options.⟦clear();
}
`,
    error: "options.clear is not a function",
    from: "options.clear()",
    to: "options.clear?.()",
    confidence: [0, 92],
  },
];

export const waysOut: GuardCase[] = [
  {
    name: "the function leaves as it does for other missing things",
    path: "src/render.js",
    code: `export function render(view, target) {
  if (!view) return null;
  const node = document.querySelector(target);
  const rect = node.⟦getBoundingClientRect();
  return draw(view, rect);
}
`,
    error: nullRead("getBoundingClientRect"),
    from: "(target);\n",
    to: "(target);\n  if (!node) return null;\n",
    confidence: [80, 90],
  },
  {
    name: "a loop goes on as it does for other entries",
    path: "src/sum.ts",
    code: `export function sum(ids: string[], prices: Map<string, any>) {
  let total = 0;
  for (const id of ids) {
    if (!id) continue;
    const price = prices.get(id);
    total += price.⟦cents;
  }
  return total;
}
`,
    error: undefinedRead("cents"),
    from: "prices.get(id);\n",
    to: "prices.get(id);\n    if (!price) continue;\n",
    confidence: [80, 90],
  },
  {
    name: "the type says that the answer may be null",
    path: "src/titles.ts",
    others: strict,
    code: `declare const store: { getBook(id: string): Promise<any> };

export async function titleOf(id: string): Promise<string | null> {
  const book = await store.getBook(id);
  const title: string = book.⟦title;
  return title.trim();
}
`,
    error: undefinedRead("title"),
    from: "getBook(id);\n",
    to: "getBook(id);\n  if (!book) {\n    return null;\n  }\n",
    confidence: [80, 90],
  },
  {
    name: "the module throws an error of its own for what is not there",
    path: "src/services/users.ts",
    code: `export async function getUser(id: string) {
  const user = await db.findUser(id);
  if (!user) {
    throw new NotFoundError("User not found");
  }
  return user;
}

export async function planOf(id: string) {
  const plan = await db.findPlan(id);
  return plan.⟦level * 2;
}
`,
    error: undefinedRead("level"),
    from: "findPlan(id);\n",
    to: `findPlan(id);
  if (!plan) {
    throw new NotFoundError("Plan not found");
  }
`,
    confidence: [80, 90],
  },
  {
    name: "nothing at all is as empty as an empty text",
    path: "lib/encode.js",
    code: `function encode(value) {
  if (value.⟦length === 0) {
    return value;
  }
  return escape(value);
}
`,
    error: nullRead("length"),
    from: "if (value.length",
    to: "if (value === undefined || value === null || value.length",
    confidence: [65, 79],
  },
  {
    name: "a list that may be left out is gone through as an empty one",
    path: "src/plugins.ts",
    others: strict,
    code: `export function start(config: { plugins?: string[] }): void {
  for (const plugin of ⟦config.plugins as string[]) console.log(plugin);
}
`.replace(" as string[]", "!"),
    error: "undefined is not iterable (cannot read property Symbol(Symbol.iterator))",
    from: "config.plugins!",
    to: "config.plugins ?? []",
    confidence: [0, 90],
  },
];
