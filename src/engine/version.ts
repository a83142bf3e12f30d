// The engine's version: that of the package, put in its place when the executable is built.
import packageJson from '../../package.json' with { type: 'json' };

export const VERSION: string = packageJson.version;
