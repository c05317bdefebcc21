import type { Prediction } from 'dynedge'

export function Answers({ top }: { top: Prediction[] }) {
  return (
    <ol aria-label="Answers">
      {top.map(({ index, label, probability }) => (
        <li key={index}>
          <span>{label}</span>
          <span>{Math.round(probability * 100)} %</span>
          <meter value={probability} aria-hidden="true" />
        </li>
      ))}
    </ol>
  )
}
