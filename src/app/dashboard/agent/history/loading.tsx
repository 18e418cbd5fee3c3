import { Skeleton } from "#ui/skeleton.tsx";

export default function Loading() {
  return <Skeleton title="History" panels={["h-96", "h-12", "h-screen"]} />;
}
