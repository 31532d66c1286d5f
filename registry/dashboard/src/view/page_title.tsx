import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

// A page's heading. It takes the focus when the page opens, so that a reader begins there: before
// the page is painted, or it would take it from whoever is quick.
export function PageTitle({ text }: { text: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => heading.current?.focus(), []);
  useEffect(() => {
    document.title = `${text} – Xylem`;
    return () => {
      document.title = "Xylem";
    };
  }, [text]);
  return (
    <h2 ref={heading} tabIndex={-1}>
      {text}
    </h2>
  );
}
