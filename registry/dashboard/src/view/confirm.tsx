import { useLayoutEffect, useRef } from "preact/hooks";

interface Props {
  question: string;
  consequence: string;
  yes: string;
  no: string;
  onAnswer: (isYes: boolean) => void;
}

// Asks before what cannot be taken back. Escape is a no; the focus returns to where it was.
export function Confirm({ question, consequence, yes, no, onAnswer }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close(); // gives the focus back
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="confirm-question"
      aria-describedby="confirm-consequence"
      onCancel={(event) => {
        event.preventDefault();
        onAnswer(false);
      }}
    >
      <h3 id="confirm-question">{question}</h3>
      <p id="confirm-consequence">{consequence}</p>
      <div class="actions">
        <button type="button" autofocus onClick={() => onAnswer(false)}>
          {no}
        </button>
        <button type="button" class="danger" onClick={() => onAnswer(true)}>
          {yes}
        </button>
      </div>
    </dialog>
  );
}
