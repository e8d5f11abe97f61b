// Sends FILE to the service at SERVICE in small parts with the stock client, and prints what it hears.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Upload } from 'tus-js-client';

const { SERVICE, FILE } = process.env;
const { size } = await stat(FILE);

new Upload(createReadStream(FILE), {
  endpoint: `${SERVICE}/api/v1/video/uploads`,
  chunkSize: 1 << 16,
  uploadSize: size,
  retryDelays: [200, 500, 1000, 2000, 4000, 8000],
  metadata: { filename: 'clip.mp4', filetype: 'video/mp4', analysis_type: 'highlights', params: '{"max_highlights":1}' },
  onChunkComplete: (chunk, accepted) => console.log('accepted', accepted),
  onShouldRetry: () => {
    console.log('retrying');
    return true;
  },
  onSuccess: ({ lastResponse }) => console.log('session', lastResponse.getHeader('Upload-Session-Id')),
  onError: (error) => {
    console.log('failed', error.message);
    process.exitCode = 1;
  },
}).start();
