// What a lab test holds in its hand: the hosts to break, the ops machine to run the CLI on.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { type CommandResult, execOnHost, powerOff, powerOn, reboot } from './infra/hosts.js';
import {
  ADDRESSES,
  type HostName,
  type LabLayout,
  labLayout,
  opsHome,
  PAIR_HOSTS,
  TEST_LAB_NAME,
} from './infra/layout.js';
import { down, up } from './infra/lifecycle.js';
import { cutLink, healLink, shortenDials } from './infra/network.js';
import { cliArgv, type OpsOptions, runOnOps, spawnOnOps } from './infra/ops.js';

export class Lab {
  readonly layout: LabLayout;

  constructor(layout: LabLayout) {
    this.layout = layout;
  }

  /** Runs repcachectl on the ops machine: `lab.cli(['status', '--json'])`. A non-zero exit is not an error. */
  cli(args: readonly string[], options?: OpsOptions): Promise<CommandResult> {
    return this.ops(cliArgv(args), options);
  }

  /** The same, but started only: the caller awaits it. */
  startCli(args: readonly string[], options?: OpsOptions) {
    return spawnOnOps(this.layout, cliArgv(args), options);
  }

  /** Runs any program on the ops machine. */
  ops(argv: readonly string[], options?: OpsOptions): Promise<CommandResult> {
    return runOnOps(this.layout, argv, options);
  }

  /** The same, but started only: the caller awaits it. */
  startOps(argv: readonly string[], options?: OpsOptions) {
    return spawnOnOps(this.layout, argv, options);
  }

  /** Runs a shell command as root on a host, by its console: works without network and sshd. */
  on(host: HostName, command: string): Promise<CommandResult> {
    return execOnHost(this.layout, host, ['/bin/sh', '-c', command]);
  }

  /** Says something to the node on a host, as a client on the ops machine, and returns what it answers. */
  async ask(host: HostName, request: string): Promise<string> {
    const script = 'exec 3<>"/dev/tcp/$1/11211" && printf "%squit\\r\\n" "$2" >&3 && cat <&3';
    const argv = ['timeout', '10', 'bash', '-c', script, 'bash', ADDRESSES[host], request];
    const { stdout, stderr, exitCode } = await this.ops(argv);
    if (exitCode !== 0) throw new Error(`the node on host ${host} does not answer: ${stderr}`);
    return stdout;
  }

  /** Packets to and from the host vanish until `heal`. */
  cut(host: HostName): Promise<void> {
    return cutLink(this.layout, host);
  }

  heal(host: HostName): Promise<void> {
    return healLink(this.layout, host);
  }

  /** The host gives up dials that nobody answers after 3 s, where others take two minutes. */
  shortenDials(host: HostName): Promise<void> {
    return shortenDials(this.layout, host);
  }

  reboot(host: HostName): Promise<void> {
    return reboot(this.layout, host);
  }

  /** The plug is pulled: no FIN, no RST. */
  powerOff(host: HostName): Promise<void> {
    return powerOff(this.layout, host);
  }

  powerOn(host: HostName): Promise<void> {
    return powerOn(this.layout, host);
  }

  /** Puts a small empty file system over a folder of the host; the function returned takes it away again. */
  async limitDisk(host: HostName, folder: string, sizeMb: number): Promise<() => Promise<void>> {
    await this.mustDo(
      host,
      `mkdir -p ${folder} && mount -t tmpfs -o size=${sizeMb}m lab-small-disk ${folder}`,
    );
    return () => this.mustDo(host, `umount ${folder}`);
  }

  /** Path of a file in the ops machine's HOME, which is also where commands run. */
  homePath(name: string): string {
    return path.join(opsHome(this.layout), name);
  }

  /** Writes a file in the ops machine's HOME. */
  writeHome(name: string, content: string): Promise<void> {
    return writeFile(this.homePath(name), content, { mode: 0o600 });
  }

  private async mustDo(host: HostName, command: string): Promise<void> {
    const result = await this.on(host, command);
    if (result.exitCode !== 0) throw new Error(`on host ${host}: ${command}: ${result.stderr}`);
  }
}

const quietly = () => undefined;

/** A lab for the whole file: up before its first test, down after its last one, whatever an earlier run left. */
export function useLab(): Lab {
  const layout = labLayout(TEST_LAB_NAME);
  beforeAll(async () => {
    await down(layout);
    await up(layout, PAIR_HOSTS, quietly);
  });
  afterAll(() => down(layout));
  return new Lab(layout);
}

/** The same, with hosts and ops machine made anew before each test. */
export function useFreshLab(): Lab {
  const layout = labLayout(TEST_LAB_NAME);
  beforeEach(async () => {
    await down(layout);
    await up(layout, PAIR_HOSTS, quietly);
  });
  afterAll(() => down(layout));
  return new Lab(layout);
}
