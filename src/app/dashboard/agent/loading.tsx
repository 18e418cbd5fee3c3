export default function Loading() {
  return (
    <p role="status" data-loading className="py-16 text-center text-muted">
      Reading…
    </p>
  );
}
