/** Every error that Sensorium raises on purpose: what happened, where, and what to do about it. */

/** Base class. `code` is stable and meant for programs; `hint` tells a person what to do next. */
export class SensoriumError extends Error {
  readonly code: string;
  /** The message without the hint. */
  readonly said: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, hint?: string, options?: { cause?: unknown }) {
    super(hint === undefined ? message : `${message}\n  → ${hint}`, options);
    this.name = new.target.name;
    this.code = code;
    this.said = message;
    this.hint = hint;
  }
}

/** Shapes that do not fit together, found while a model is traced. */
export class ShapeError extends SensoriumError {
  constructor(message: string, hint?: string) {
    super('shape', message, hint);
  }
}

/** A graph that cannot be built, differentiated or lowered. */
export class GraphError extends SensoriumError {
  constructor(message: string, hint?: string) {
    super('graph', message, hint);
  }
}

/** A device or an engine library that is not there, or that failed. */
export class DeviceError extends SensoriumError {
  constructor(message: string, hint?: string, options?: { cause?: unknown }) {
    super('device', message, hint, options);
  }
}

/** A checkpoint, tokenizer or configuration file that cannot be used. */
export class CheckpointError extends SensoriumError {
  constructor(message: string, hint?: string, options?: { cause?: unknown }) {
    super('checkpoint', message, hint, options);
  }
}

/** A picture, a text or a dataset that cannot be used. */
export class DataError extends SensoriumError {
  constructor(message: string, hint?: string, options?: { cause?: unknown }) {
    super('data', message, hint, options);
  }
}

/** A recipe that is wrong; the message carries its file and line. */
export class RecipeError extends SensoriumError {
  constructor(message: string, hint?: string) {
    super('recipe', message, hint);
  }
}

/** A run that had to stop: NaN, an exploding loss, an interrupted process. */
export class TrainingError extends SensoriumError {
  constructor(message: string, hint?: string, options?: { cause?: unknown }) {
    super('training', message, hint, options);
  }
}

/** A text that cannot be generated: too long for the model, or settings that do not fit together. */
export class GenerationError extends SensoriumError {
  constructor(message: string, hint?: string) {
    super('generation', message, hint);
  }
}
