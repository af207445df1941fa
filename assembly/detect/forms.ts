// Forms of a detector: what is known of it when the code is compiled. Of what a form has not, no code is left. Their classes have no fields:
// `changetype<F>(0)` is an instance, and every call of it is inlined.

import { IMAGE_CHANNELS } from "./layout";

/** What code may know of a detector. */
export interface Form {
  /** Number of channels. */
  count(image: usize): i32;
  /** Whether it has a period. */
  isPeriodic(): bool;
  /** Whether a channel may have the residual of a model. */
  isInModel(): bool;
}

/** Any detector without a period. */
export class Timeless implements Form {
  @inline count(image: usize): i32 {
    return load<i32>(image, IMAGE_CHANNELS);
  }

  @inline isPeriodic(): bool {
    return false;
  }

  @inline isInModel(): bool {
    return true;
  }
}

/** Any detector with a period. */
export class Periodic implements Form {
  @inline count(image: usize): i32 {
    return load<i32>(image, IMAGE_CHANNELS);
  }

  @inline isPeriodic(): bool {
    return true;
  }

  @inline isInModel(): bool {
    return true;
  }
}

/** A detector alone, without a period. */
export class TimelessAlone implements Form {
  @inline count(image: usize): i32 {
    return load<i32>(image, IMAGE_CHANNELS);
  }

  @inline isPeriodic(): bool {
    return false;
  }

  @inline isInModel(): bool {
    return false;
  }
}

/** A detector alone, with a period. */
export class PeriodicAlone implements Form {
  @inline count(image: usize): i32 {
    return load<i32>(image, IMAGE_CHANNELS);
  }

  @inline isPeriodic(): bool {
    return true;
  }

  @inline isInModel(): bool {
    return false;
  }
}

/** A detector alone, of one channel, without a period. */
export class TimelessOne implements Form {
  @inline count(_image: usize): i32 {
    return 1;
  }

  @inline isPeriodic(): bool {
    return false;
  }

  @inline isInModel(): bool {
    return false;
  }
}

/** A detector alone, of one channel, with a period. */
export class PeriodicOne implements Form {
  @inline count(_image: usize): i32 {
    return 1;
  }

  @inline isPeriodic(): bool {
    return true;
  }

  @inline isInModel(): bool {
    return false;
  }
}
