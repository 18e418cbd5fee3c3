/** The limits that Slack holds messages to; what breaks one is refused as `invalid_blocks`, as at Slack. */
export function blocksRefusal(blocks: unknown): string | undefined {
  if (blocks === undefined) return undefined;
  if (!Array.isArray(blocks)) return "invalid_blocks_format";
  if (blocks.length > 50) return "invalid_blocks";
  return blocks.every(isBlock) ? undefined : "invalid_blocks";
}

interface Text {
  type: string;
  text: string;
}

function isBlock(block: unknown): boolean {
  const { type, text, fields, elements } = block as Record<string, unknown>;
  switch (type) {
    case "header":
      return isText(text, 150) && (text as Text).type === "plain_text";
    case "section":
      if (text === undefined && fields === undefined) return false;
      if (text !== undefined && !isText(text, 3_000)) return false;
      return fields === undefined || isList(fields, 10, (field) => isText(field, 2_000));
    case "context":
      return isList(elements, 10, (element) => isText(element, 2_000));
    case "actions":
      return isList(elements, 25, isButton);
    case "divider":
      return true;
    default:
      return false;
  }
}

function isList(value: unknown, max: number, isOne: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length > 0 && value.length <= max && value.every(isOne);
}

function isText(value: unknown, max: number): boolean {
  const { type, text } = (value ?? {}) as Partial<Text>;
  if (type !== "plain_text" && type !== "mrkdwn") return false;
  return typeof text === "string" && text.length > 0 && text.length <= max;
}

function isButton(value: unknown): boolean {
  const { type, text, value: given, url, action_id } = value as Record<string, unknown>;
  if (type !== "button" || !isText(text, 75)) return false;
  if (given !== undefined && String(given).length > 2_000) return false;
  if (url !== undefined && String(url).length > 3_000) return false;
  return action_id === undefined || String(action_id).length <= 255;
}

/** What people read on the screen: every text of a message, entities resolved, with the addresses of its buttons. */
export function readable(message: { text: string; blocks?: unknown[] }): string {
  if (message.blocks === undefined) return unescaped(message.text);
  const found: string[] = [];
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) walk(item);
    else if (typeof value === "object" && value !== null) {
      const { type, text, url } = value as Record<string, unknown>;
      if (typeof text === "string" && (type === "mrkdwn" || type === "plain_text")) found.push(unescaped(text));
      else for (const inner of Object.values(value)) if (typeof inner === "object") walk(inner);
      if (typeof url === "string") found.push(url);
    }
  };
  walk(message.blocks);
  return found.join("\n");
}

/** Mentions and links that Slack would act on in these texts: escaped ones are text. */
export function liveMarkup(message: { text: string; blocks?: unknown[] }): string[] {
  const texts = [message.text];
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) walk(item);
    else if (typeof value === "object" && value !== null) {
      const { text } = value as Record<string, unknown>;
      if (typeof text === "string") texts.push(text);
      for (const inner of Object.values(value)) if (typeof inner === "object") walk(inner);
    }
  };
  walk(message.blocks ?? []);
  return texts.flatMap((text) => text.match(/<[^>]*>/g) ?? []);
}

function unescaped(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
