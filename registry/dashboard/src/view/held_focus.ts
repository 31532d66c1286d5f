// Keeps the focus on its row: browsers drop it when a live update moves or removes the element.

import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

// Call after each render with the row that should have the focus. It is only given back where it
// was lost, never taken: a click or a Tab elsewhere lets it go.
export function useHeldFocus(
  body: RefObject<HTMLTableSectionElement>,
  row: () => HTMLElement | undefined,
) {
  const held = useRef(false);

  useLayoutEffect(() => {
    const follow = (event: Event) => {
      held.current = body.current?.contains(event.target as Node) ?? false;
    };
    document.addEventListener("focusin", follow);
    document.addEventListener("pointerdown", follow);
    return () => {
      document.removeEventListener("focusin", follow);
      document.removeEventListener("pointerdown", follow);
    };
  }, [body]);

  useLayoutEffect(() => {
    if (held.current && document.activeElement === document.body) row()?.focus();
  });
}
