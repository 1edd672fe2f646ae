// The headers of Node's C interface, as an npm package.
declare module 'node-api-headers' {
  /** The folder to compile with. */
  export const include_dir: string;
}
