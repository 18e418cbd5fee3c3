import type { ReactNode } from "react";
import { Header } from "#ui/header.tsx";
import { LiveBoard } from "#ui/live-board.tsx";
import { OrdersProvider } from "#ui/orders.tsx";
import { signedIn } from "./signed-in.ts";

export const dynamic = "force-dynamic";

export default async function AgentLayout({ children }: { children: ReactNode }) {
  const { agent, session } = await signedIn();
  return (
    <OrdersProvider role={session.role} csrf={session.csrf}>
      <LiveBoard initial={await agent.views.board()}>
        <Header name={session.name}>{null}</Header>
        <main className="mx-auto max-w-6xl space-y-6 px-4 py-6">{children}</main>
      </LiveBoard>
    </OrdersProvider>
  );
}
