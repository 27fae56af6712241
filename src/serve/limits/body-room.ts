/** How much the bodies of all requests together may take. */
export class BodyRoom {
  readonly bytes: number;
  #taken = 0;

  /** @param bytes most at a time */
  constructor(bytes: number) {
    this.bytes = bytes;
  }

  /** What is taken now. */
  get taken(): number {
    return this.#taken;
  }

  /** Room for one body, which is taken as it comes. */
  share(): BodyShare {
    let own = 0;
    return {
      take: (bytes) => {
        if (this.#taken + bytes > this.bytes) return false;
        own += bytes;
        this.#taken += bytes;
        return true;
      },
      giveBack: () => {
        this.#taken -= own;
        own = 0;
      },
    };
  }
}

/** What one body takes of the room. */
export interface BodyShare {
  /** @returns whether there was room for so many bytes more */
  readonly take: (bytes: number) => boolean;
  readonly giveBack: () => void;
}
