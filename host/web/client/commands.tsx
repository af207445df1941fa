import { useEffect, useRef, useState } from "preact/hooks";
import type { Details } from "../rows.ts";
import type { StreamView } from "../series.ts";
import { post } from "./data.ts";

/** Something that a device can be told, as it is asked before. */
interface Choice {
  readonly label: string;
  readonly title: string;
  readonly text: string;
  readonly done: string;
  /** Text of each way to say it; the command. */
  readonly ways: readonly (readonly [label: string, command: Readonly<Record<string, unknown>>])[];
}

const ACKNOWLEDGE: Choice = {
  label: "Acknowledge",
  title: "Acknowledge the alarm?",
  text: "It goes on, and the device stands behind the alarms that nobody knows of. It ends as any other.",
  done: "The alarm is acknowledged.",
  ways: [["Acknowledge", { acknowledge: true }]],
};
const MUTE: Choice = {
  label: "Mute",
  title: "Mute the alarms of this device?",
  text: "No alarm begins for so long, and one that is ends with the next reading.",
  done: "Muted from the next reading on.",
  ways: [
    ["10 minutes", { mute: "10m" }],
    ["1 hour", { mute: "1h" }],
    ["8 hours", { mute: "8h" }],
    ["1 day", { mute: "1d" }],
  ],
};
const UNMUTE: Choice = {
  label: "Unmute",
  title: "Let alarms begin again?",
  text: "From the next reading on, alarms of this device begin again.",
  done: "Alarms begin again.",
  ways: [["Unmute", { mute: 0 }]],
};
const RELEARN: Choice = {
  label: "Learn anew",
  title: "Forget what was learnt, and learn anew?",
  text: "What is usual for this device is learnt from its next readings, which should be healthy. Until then there is no alarm.",
  done: "It learns anew from now on.",
  ways: [["Learn anew", { relearn: true }]],
};
const RESET: Choice = {
  label: "Reset",
  title: "Forget what is recent?",
  text: "The state of the model and of the detector begins anew, and the alarm ends. Thresholds and what was learnt stay, unless everything is forgotten.",
  done: "It begins anew.",
  ways: [
    ["Reset", { reset: true }],
    ["Forget thresholds, too", { reset: "all" }],
  ],
};

function choicesFor({ attention, isMuted }: Details, { hasDetector, learns }: StreamView): Choice[] {
  if (!hasDetector) return [RESET];
  const isNews = attention === "alarm";
  return [...(isNews ? [ACKNOWLEDGE] : []), isMuted ? UNMUTE : MUTE, ...(learns ? [RELEARN] : []), RESET];
}

interface CommandsProps {
  readonly device: Details;
  readonly stream: StreamView;
}

/** Buttons for what a device can be told; each asks before. */
export function Commands({ device, stream }: CommandsProps) {
  const [asked, setAsked] = useState<Choice>();
  const [told, setTold] = useState("");
  const tell = async (choice: Choice, command: Readonly<Record<string, unknown>>) => {
    setAsked(undefined);
    const { ok, error } = await post("api/command", { stream: device.stream, device: device.device, command });
    setTold(ok ? choice.done : `Not done: ${error}`);
  };
  return (
    <div class="commands">
      {choicesFor(device, stream).map((choice) => (
        <button
          key={choice.label}
          type="button"
          class={choice === ACKNOWLEDGE ? "button is-main" : "button"}
          onClick={() => setAsked(choice)}
        >
          {choice.label}
        </button>
      ))}
      <p class="told" role="status">
        {told}
      </p>
      {asked !== undefined && (
        <Ask
          choice={asked}
          name={device.label}
          onAnswer={(command) => (command === undefined ? setAsked(undefined) : void tell(asked, command))}
        />
      )}
    </div>
  );
}

interface AskProps {
  readonly choice: Choice;
  readonly name: string;
  readonly onAnswer: (command: Readonly<Record<string, unknown>> | undefined) => void;
}

function Ask({ choice, name, onAnswer }: AskProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby="ask-title" onClose={() => onAnswer(undefined)}>
      <h2 id="ask-title">{choice.title}</h2>
      <p>
        <b>{name}</b>
      </p>
      <p>{choice.text}</p>
      <div class="answers">
        {choice.ways.map(([label, command]) => (
          <button key={label} type="button" class="button is-main" onClick={() => onAnswer(command)}>
            {label}
          </button>
        ))}
        <button type="button" class="button" onClick={() => onAnswer(undefined)}>
          Cancel
        </button>
      </div>
    </dialog>
  );
}
