import { Skeleton } from "#ui/skeleton.tsx";

export default function Loading() {
  return <Skeleton title="Settings" panels={["h-96", "h-40", "h-64", "h-96"]} />;
}
