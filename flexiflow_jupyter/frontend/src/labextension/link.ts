/** What the kernel of a notebook tells of its engines. */
import type { Comm, Kernel } from "./host";

export interface ComponentInfo {
  readonly name: string;
  readonly state: string;
  readonly accepted: string;
  /** What a cell says to show it. */
  readonly code: string;
}

export interface EngineInfo {
  readonly name: string;
  readonly components: readonly ComponentInfo[];
}

const TARGET = "flexiflow.engines";

/** A connection to one kernel; it ends with the kernel or by `close`. */
export class EngineLink {
  private comm: Comm | null = null;

  constructor(
    readonly kernel: Kernel,
    private readonly onEngines: (engines: readonly EngineInfo[] | null) => void,
  ) {}

  get isOpen(): boolean {
    return this.comm !== null && !this.comm.isDisposed;
  }

  /** Ask the kernel; one without FlexiFlow closes the comm at once. */
  open(): void {
    if (this.isOpen || this.kernel.isDisposed) return;
    const comm = this.kernel.createComm(TARGET);
    this.comm = comm;
    comm.onMsg = (message) => this.onEngines(readEngines(message.content.data));
    comm.onClose = () => {
      if (this.comm !== comm) return;
      this.comm = null;
      this.onEngines(null);
    };
    comm.open({ v: 1 });
  }

  close(): void {
    const { comm } = this;
    this.comm = null;
    if (comm && !comm.isDisposed && !this.kernel.isDisposed) comm.close();
  }
}

/** Read what came; anything else than a list of engines is none. */
export function readEngines(data: unknown): readonly EngineInfo[] {
  const engines = (data as { engines?: unknown } | null)?.engines;
  return Array.isArray(engines) ? (engines as EngineInfo[]) : [];
}
