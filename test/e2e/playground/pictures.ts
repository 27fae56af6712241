/** Pictures of a few bytes, made here. */
import sharp from 'sharp';

const RED = { width: 48, height: 32, channels: 3, background: { r: 200, g: 40, b: 40 } } as const;

export function png(): Promise<Buffer> {
  return sharp({ create: RED }).png().toBuffer();
}

/** A photograph that lies on its side and says which camera took it, and where. */
export function jpegWithPlace(): Promise<Buffer> {
  return sharp({ create: RED })
    .jpeg()
    .withMetadata({ orientation: 6 })
    .withExif({
      IFD0: { Make: 'SensoriumCam' },
      IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 3230/100' },
    })
    .toBuffer();
}
