const numbers = new WeakMap<object, number>();
let last = 0;

/** A number that no other object has, and that this one keeps: for keys of caches that must not hold on to it. */
export function identityOf(object: object): number {
  let number = numbers.get(object);
  if (number === undefined) numbers.set(object, (number = ++last));
  return number;
}
