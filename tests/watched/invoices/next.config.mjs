/** Stacks name the application's own files, as with source maps on Vercel. */
export default { experimental: { serverSourceMaps: true } };
