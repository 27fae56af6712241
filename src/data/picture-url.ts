/** A picture in a format that browsers show, as a data URL. Nothing in it could end an attribute of HTML. */
export const PICTURE_URL: RegExp = /^data:image\/(?:png|jpeg|webp);base64,[A-Za-z0-9+/]+={0,2}$/;
