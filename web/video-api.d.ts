/** Types of video-api.js, and of what the service answers. Times in a video are seconds from its first picture. */

export type AnalysisType = 'highlights' | 'workout';
export type Stage = 'queued' | 'loading' | 'scanning' | 'rating' | 'describing' | 'rendering' | 'done';
export type SessionStatus = 'queued' | 'processing' | 'completed' | 'failed' | 'cancelled' | 'expired';

export interface VideoApiOptions {
  /** Where the service is, such as `http://127.0.0.1:8000`; default: where the page came from. */
  baseUrl?: string;
  /** Sent with every call, where the service asks for a key. Never put one into a public page. */
  apiKey?: string | null | (() => string | null | undefined);
  /** What `upload` answered to `token: true`, or `token` to a key; or a function from a session's id to it. */
  sessionToken?: string | null | ((sessionId: string) => string | null | undefined);
}

export interface HighlightsParams {
  /** 1-10, default 6. */
  min_significance?: number;
  /** 1-50, default 10. */
  max_highlights?: number;
  /** 2-60 seconds, default 10. */
  segment_duration?: number;
  /** What to look for, in words. It takes a model. */
  query?: string | null;
  min_clip_seconds?: number;
  max_clip_seconds?: number;
  /** Of the reel. */
  target_duration_seconds?: number | null;
  reel?: boolean;
  aspect?: 'source' | '16:9' | '9:16' | '1:1';
}

export interface WorkoutParams {
  /** 2-60 seconds, default 15. */
  segment_duration?: number;
  system_prompt?: string | null;
  user_prompt?: string | null;
  /** The only names an exercise may get. */
  exercises?: string[] | null;
}

export interface UploadProgress {
  sentBytes: number;
  totalBytes: number;
  /** Null until it can be told. */
  bytesPerSecond: number | null;
  secondsLeft: number | null;
}

export interface UploadOptions {
  /** Default: highlights. */
  analysisType?: AnalysisType;
  params?: HighlightsParams | WorkoutParams;
  /** The name to show; default: the file's own. */
  filename?: string;
  /** Ask for a token without which nobody may see the session. */
  token?: boolean;
  /** The same upload sent again under the same key is the same session again; it is sent in one piece, however large. */
  idempotencyKey?: string;
  /** A file of more bytes goes in parts (by `resumable.js`) and outlives lost connections; default: 50 million. */
  resumableAbove?: number;
  onProgress?: (progress: UploadProgress) => void;
  signal?: AbortSignal;
}

export interface Video {
  filename: string;
  durationSeconds: number;
  fps: number;
  width: number;
  height: number;
  codec: string;
  hasAudio: boolean;
  sizeBytes: number;
}

export interface Started {
  sessionId: string;
  status: SessionStatus;
  message: string;
  queuePosition: number | null;
  video: Video;
  sha256: string;
  links: Record<string, string>;
  /** Only if it was asked for. */
  sessionToken?: string;
}

export interface SessionsPage {
  /** Newest first. */
  sessions: (Status & { filename: string })[];
  /** Asks for the page after; null where there is none. */
  nextCursor: string | null;
}

export interface SessionToken {
  sessionId: string;
  sessionToken: string;
  expiresAt: string;
}

export interface Status {
  sessionId: string;
  status: SessionStatus;
  /** 0-100; it never falls. */
  progress: number;
  message: string;
  analysisType: AnalysisType;
  stage: Stage;
  segmentsDone: number | null;
  segmentsTotal: number | null;
  /** 1 for the next to start; null once started. */
  queuePosition: number | null;
  etaSeconds: number | null;
  createdAt: string;
  updatedAt: string;
  expiresAt: string | null;
  error: string | null;
  reason: string | null;
  attempt: number;
}

/** How strong each signal is, 0-1; null where it was not measured. */
export interface Levels {
  motion: number;
  loudness: number | null;
  novelty: number;
  presence: number | null;
}

export interface Segment {
  segment: number;
  start_timestamp: number;
  end_timestamp: number;
  significance_score: number;
  signals: Levels;
  description: string | null;
  thumbnail_url?: string | null;
}

export interface Highlight {
  rank: number;
  start_timestamp: number;
  end_timestamp: number;
  duration: number;
  timestamp_formatted: string;
  /** 1-10. */
  significance_score: number;
  /** 0-1. */
  confidence: number;
  description: string;
  /** What was measured, in words. */
  signals_text: string;
  signals: Levels;
  parts: { signals: number; eyes: number | null; rank: number };
  below_threshold: boolean;
  segment: number;
  analysis_success: boolean;
  thumbnail_url?: string | null;
}

export interface ResultData {
  video: {
    filename: string;
    duration_seconds: number;
    fps: number;
    width: number;
    height: number;
    codec: string;
    has_audio: boolean;
    size_bytes: number;
  };
  video_path: string;
  processing_time_seconds: number;
  /** Shares of the video, 0-1: decoded, and looked at by a model. */
  coverage: number;
  eyes_coverage: number | null;
  shots: [start: number, end: number][];
  curves: { step_seconds: number; significance: number[]; motion: number[]; loudness: number[] | null };
  analyzer: {
    name: 'signals' | 'smolvlm2' | 'remote';
    model: string | null;
    device: string | null;
    dtype: string | null;
    version: string;
  };
  settings: Record<string, unknown>;
  warnings: string[];
  total_segments_analyzed: number;
  /** Addresses of files: absent where the service makes none, null where one could not be made. */
  source_url?: string | null;
  preview_url?: string | null;
  exports?: Record<string, string | null>;
}

export interface HighlightsData extends ResultData {
  highlights_found: number;
  /** Best first. */
  highlights: Highlight[];
  segments: Segment[];
  reel_url?: string | null;
  contact_sheet_url?: string | null;
}

export interface ExerciseStep {
  exercise_name: string;
  exercise_source: 'model' | 'motion';
  start_timestamp: number;
  end_timestamp: number;
  duration: number;
  timestamp_formatted: string;
  description: string;
  movement_phase: string | null;
  set_index: number;
  /** Null where the count cannot be trusted. */
  reps: number | null;
  reps_range: [low: number, high: number] | null;
  count_unit: string | null;
  tempo: { seconds_per_rep: number; reps_per_minute: number; variation: number; trend: number } | null;
  rep_events: { n: number; start: number; turn: number; end: number; range_rel: number; partial: boolean }[];
  observations: { code: string; text: string }[];
  confidence: number;
  method: 'periodic' | 'excursion' | 'hold' | 'none';
  thumbnail_url?: string | null;
}

export interface WorkoutData extends ResultData {
  analysis_type: 'workout_with_timestamps';
  total_duration_seconds: number;
  segment_analyses: (Segment & { exercise_name: string | null; movement_phase: string | null; analysis_success: boolean })[];
  system_prompt: string | null;
  user_prompt: string | null;
  exercise_steps: ExerciseStep[];
  rests: { start_timestamp: number; end_timestamp: number; duration: number; activity: string | null }[];
  summary: {
    total_exercises_identified: number;
    total_sets: number;
    total_reps: number | null;
    work_seconds: number;
    rest_seconds: number;
    video_duration_formatted: string;
    text: string;
  };
}

export type AnyData = HighlightsData | WorkoutData;

export interface Results<Data extends AnyData = AnyData> {
  sessionId: string;
  status: 'completed';
  data: Data;
}

export type Finding = { kind: 'moment'; item: Highlight } | { kind: 'set'; item: ExerciseStep };

export type FollowEvent =
  | { type: 'status'; status: Status }
  | { type: 'partial'; finding: Finding }
  /** The connection was lost, and is tried again by itself. */
  | { type: 'interrupted'; error: VideoApiError; retryInSeconds: number }
  | { type: 'end'; status: SessionStatus | 'deleted' };

/** A refusal, a failure, or no answer at all. */
export declare class VideoApiError extends Error {
  /** The HTTP status; 0 where there was no answer. */
  readonly code: number;
  /** A stable slug, such as `upload_too_large`; `network` where there was no answer, `aborted` after an abort. */
  readonly reason: string;
  /** The answer's body, if it was JSON. */
  readonly body: Record<string, unknown>;
  /** One entry a wrong field. */
  readonly details: { loc: (string | number)[]; msg: string }[];
  /** By which the service's log can be searched. */
  readonly requestId: string | null;
  readonly retryAfterSeconds: number | null;
}

export declare class VideoApi {
  constructor(options?: VideoApiOptions);
  upload(file: Blob, options?: UploadOptions): Promise<Started>;
  status(sessionId: string, options?: { wait?: number; signal?: AbortSignal }): Promise<Status>;
  results<Data extends AnyData = AnyData>(sessionId: string, options?: { signal?: AbortSignal }): Promise<Results<Data>>;
  cancel(sessionId: string, options?: { signal?: AbortSignal }): Promise<{ sessionId: string; status: 'cancelled'; message: string }>;
  cleanup(sessionId: string, options?: { signal?: AbortSignal }): Promise<{ sessionId: string; message: string }>;
  /** Only where the service asks for keys. */
  sessions(options?: { limit?: number; cursor?: string; signal?: AbortSignal }): Promise<SessionsPage>;
  /** Only where the service asks for keys. */
  token(sessionId: string, options?: { signal?: AbortSignal }): Promise<SessionToken>;
  /** With `events: false` it asks again and again from the start. */
  follow(sessionId: string, options?: { signal?: AbortSignal; events?: boolean }): AsyncGenerator<FollowEvent, void, void>;
  fileUrl(path: string, sessionId?: string): string;
}
