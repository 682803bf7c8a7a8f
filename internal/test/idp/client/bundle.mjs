// Makes a script for browsers of each client: a global BetterAuth with its exports.
import { build } from 'esbuild';

for (const version of ['1.4', '1.7']) {
  const folder = `node_modules/better-auth-${version}`;
  await build({
    entryPoints: [`client-${version}.mjs`],
    outfile: `client-${version}.js`,
    bundle: true,
    format: 'iife',
    globalName: 'BetterAuth',
    platform: 'browser',
    target: 'es2022',
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [{ name: 'one client', setup: (bundling) => sameClient(bundling, version, folder) }],
  });
}

// sameClient gives the passkey plugin the very modules that its client uses:
// by name alone it would find none, or those of the other version.
function sameClient(bundling, version, folder) {
  const shared = /^(better-auth|@better-auth\/(core|utils)|@better-fetch\/fetch|nanostores)($|\/)/; // Go's syntax
  bundling.onResolve({ filter: shared }, ({ path, kind, importer, pluginData }) => {
    if (pluginData === 'resolved' || !importer.includes(`/passkey-${version}/`)) {
      return undefined;
    }
    const name = path.replace(/^better-auth($|\/)/, `better-auth-${version}$1`);
    return bundling.resolve(name, { kind, resolveDir: `${process.cwd()}/${folder}`, pluginData: 'resolved' });
  });
}
