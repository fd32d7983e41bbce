declare const CACHECTL_VERSION: string | undefined;

/** The version of the package; the build puts it in. */
export const version = typeof CACHECTL_VERSION === 'string' ? CACHECTL_VERSION : '0.0.0-source';
