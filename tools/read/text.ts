import type { Network } from "./network.ts";

/** Describes a network in lines for people: what it is made of, and what was put in the place of what the source asks for. */
export function describeNetwork(network: Network): string[] {
  const { embedding, normalisation, output, layers, lastOnly, substitutions, notes = [] } = network;
  const parts = [
    embedding ? `token of ${embedding.vocabulary}, embedding ${embedding.size}` : `${network.inputs} inputs`,
    ...(normalisation ? ["normalisation"] : []),
    ...layers.map((layer) =>
      layer.kind === "gru"
        ? `gru ${layer.size} reset-${layer.reset}${layer.gates === "hard" ? ", hard gates" : ""}`
        : `dense ${layer.size} ${layer.activation}`,
    ),
    ...(output ? ["scale and offset"] : []),
  ];
  return [
    `network: ${parts.join(" → ")}`,
    ...(lastOnly ? ["The source answers at its last step only; the model answers at every step"] : []),
    ...substitutions.map((line) => `approximated: ${line}`),
    ...notes,
  ];
}
